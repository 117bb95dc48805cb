using System.Text.Json.Nodes;

namespace Framelease.LocalCluster.ApiServer.Errors;

/// <summary>One thing that is wrong with one field, in the words of Kubernetes' field errors.</summary>
/// <param name="Reason">The machine-readable cause: FieldValueRequired, FieldValueInvalid, FieldValueNotSupported, …</param>
/// <param name="Field">Path such as <c>spec.containers[0].name</c>.</param>
/// <param name="Detail">Message without the path.</param>
sealed record FieldError(string Reason, string Field, string Detail)
{
    const int MaxShown = 256;

    public static FieldError Required(string field, string detail = "") =>
        new("FieldValueRequired", field, detail.Length == 0 ? "Required value" : $"Required value: {detail}");

    public static FieldError Invalid(string field, JsonNode? value, string detail) =>
        new("FieldValueInvalid", field, $"Invalid value: {Show(value)}: {detail}");

    /// <summary>The value is shown as its type's name, as structural schema validation does for containers.</summary>
    public static FieldError InvalidType(string field, string shown, string detail) =>
        new("FieldValueTypeInvalid", field, $"Invalid value: \"{shown}\": {detail}");

    public static FieldError NotSupported(string field, JsonNode? value, IEnumerable<string> supported) =>
        new("FieldValueNotSupported", field, $"Unsupported value: {Show(value)}: supported values: {string.Join(", ", supported.Select(Quote))}");

    public static FieldError Duplicate(string field, JsonNode? value) =>
        new("FieldValueDuplicate", field, $"Duplicate value: {Show(value)}");

    public static FieldError Forbidden(string field, string detail) => new("FieldValueForbidden", field, $"Forbidden: {detail}");

    public static FieldError TooLong(string field, long max) =>
        new("FieldValueTooLong", field, $"Too long: may not be more than {max} bytes");

    public override string ToString() => Field.Length == 0 ? Detail : $"{Field}: {Detail}";

    public static string Show(JsonNode? value)
    {
        var text = value is null ? "null" : System.Text.Encoding.UTF8.GetString(Json.JsonWriting.ToUtf8(value));
        return text.Length <= MaxShown ? text : string.Concat(text.AsSpan(0, MaxShown), "…");
    }

    static string Quote(string text) => $"\"{text}\"";
}
