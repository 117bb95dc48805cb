using System.Text.Json.Nodes;

namespace Framelease.LocalCluster.ApiServer.Cel;

/// <summary>One entry of <c>x-kubernetes-validations</c>, parsed.</summary>
/// <param name="Text">The rule as written.</param>
/// <param name="Tree">The rule as a tree.</param>
/// <param name="Message">What to say when it fails; null says the rule itself.</param>
/// <param name="MessageTree">An expression that makes the message.</param>
/// <param name="Reason">FieldValueInvalid, FieldValueForbidden, FieldValueRequired or FieldValueDuplicate.</param>
/// <param name="FieldPath">Where the problem is reported, relative to the value; empty for the value itself.</param>
sealed record CelRule(string Text, CelNode Tree, string? Message, CelNode? MessageTree, string Reason, string FieldPath)
{
    /// <summary>A rule about a change: it runs only where there is an old value to compare with.</summary>
    public bool IsTransition { get; } = Uses(Tree, "oldSelf");

    /// <exception cref="CelSyntaxException">The rule needs more than this evaluator has.</exception>
    public static CelRule Parse(string text, string? message, string? messageExpression, string? reason, string? fieldPath) => new(
        text,
        CelParser.Parse(text),
        message,
        string.IsNullOrEmpty(messageExpression) ? null : ParseMessage(messageExpression),
        string.IsNullOrEmpty(reason) ? "FieldValueInvalid" : reason,
        fieldPath ?? "");

    /// <summary>A message that cannot be made here is no reason not to check the rule: it then says its fixed message.</summary>
    static CelNode? ParseMessage(string expression)
    {
        try
        {
            return CelParser.Parse(expression);
        }
        catch (CelSyntaxException)
        {
            return null;
        }
    }

    /// <summary>Null when the rule holds, otherwise what to tell the user.</summary>
    public string? Check(JsonNode? self, JsonNode? oldSelf)
    {
        try
        {
            return CelEvaluator.Evaluate(Tree, self, oldSelf) is true ? null : Explain(self, oldSelf);
        }
        catch (CelEvaluationException error)
        {
            return $"{error.Message} evaluating rule: {Message ?? Text}";
        }
    }

    string Explain(JsonNode? self, JsonNode? oldSelf)
    {
        try
        {
            if (MessageTree is not null && CelEvaluator.Evaluate(MessageTree, self, oldSelf) is string { Length: > 0 } message)
                return message;
        }
        catch (CelEvaluationException)
        {
            // The fixed message below says enough.
        }

        return Message ?? $"failed rule: {Text}";
    }

    static bool Uses(CelNode node, string name) => node switch
    {
        CelNode.Name n => n.Id == name,
        CelNode.Select n => Uses(n.Target, name),
        CelNode.Index n => Uses(n.Target, name) || Uses(n.Key, name),
        CelNode.Unary n => Uses(n.Operand, name),
        CelNode.Binary n => Uses(n.Left, name) || Uses(n.Right, name),
        CelNode.Conditional n => Uses(n.Test, name) || Uses(n.Then, name) || Uses(n.Else, name),
        CelNode.List n => n.Items.Any(item => Uses(item, name)),
        CelNode.Call n => n.Arguments.Any(argument => Uses(argument, name)),
        CelNode.Comprehension n => Uses(n.Range, name) || Uses(n.Body, name),
        _ => false,
    };
}
