// What an event says to a person, in whole sentences.

import { text } from "../text.js";

const SENTENCES = {
  "order.created": "{name} created order {number}.",
  "order.changed": "{name} changed order {number}.",
  "order.deleted": "{name} deleted order {number}.",
  "order.moved draft": "{name} made order {number} a draft.",
  "order.moved confirmed": "{name} confirmed order {number}.",
  "order.moved shipped": "{name} marked order {number} as shipped.",
  "order.moved paid": "{name} marked order {number} as paid.",
  "order.moved cancelled": "{name} cancelled order {number}.",
  "account.changed": "{name} changed this account.",
  "deal.created": "{name} added the deal '{title}'.",
  "deal.changed": "{name} changed the deal '{title}'.",
  "deal.moved open": "{name} moved the deal '{title}'.",
  "deal.moved won": "{name} won the deal '{title}'.",
  "deal.moved lost": "{name} marked the deal '{title}' as lost.",
  "deal.deleted": "{name} deleted the deal '{title}'.",
  "contact.changed": "{name} changed this person.",
  "task.created": "{name} added the task '{title}'.",
  "task.changed": "{name} changed the task '{title}'.",
  "task.done": "{name} marked the task '{title}' as done.",
  "task.reopened": "{name} reopened the task '{title}'.",
  "task.deleted": "{name} deleted the task '{title}'.",
  "mention account": "{name} mentioned you at the account {title}.",
  "mention deal": "{name} mentioned you at the deal '{title}'.",
  "mention order": "{name} mentioned you at order {title}.",
  "mention person": "{name} mentioned you at the person {title}.",
  "mention task": "{name} mentioned you at the task '{title}'.",
  "comment account": "{name} wrote a note on your account {title}.",
  "comment deal": "{name} commented on your deal '{title}'.",
  "comment order": "{name} commented on your order {title}.",
  "comment task": "{name} commented on your task '{title}'.",
  "assigned account": "{name} gave you the account {title}.",
  "assigned deal": "{name} gave you the deal '{title}'.",
  "assigned task": "{name} gave you the task '{title}'.",
  "handed_over user": "{name} gave you the open records of {title}.",
  "task.reminder": "Reminder: {title}",
};

/** Return the sentence for an event, or nothing if people need not be told. */
export function sentence({ name, data }) {
  const english = SENTENCES[name] ?? SENTENCES[`${name} ${data.state ?? data.kind}`] ?? SENTENCES[`${data.kind} ${data.record}`];
  if (!english) return undefined;
  const by = data.by?.name ?? text("The system");
  return text(english, { name: by, number: data.number, title: data.title });
}
