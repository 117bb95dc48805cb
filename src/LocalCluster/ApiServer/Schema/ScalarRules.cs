using System.Globalization;
using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;

namespace Framelease.LocalCluster.ApiServer.Schema;

/// <summary>Bounds, lengths, patterns and formats of strings and numbers.</summary>
static class ScalarRules
{
    public static void Validate(JsonNode value, SchemaNode schema, string path, List<FieldError> errors)
    {
        if (value.AsString() is { } text)
            ValidateString(text, schema, path, errors);
        else if (value.AsNumber() is { } number)
            ValidateNumber(number, value, schema, path, errors);
    }

    static void ValidateString(string text, SchemaNode schema, string path, List<FieldError> errors)
    {
        var at = SchemaValidator.InBody(path);
        // Length counts characters of Unicode, not UTF-16 units.
        var length = text.EnumerateRunes().Count();
        if (schema.MinLength is { } min && length < min)
            errors.Add(FieldError.Invalid(path, JsonValue.Create(text), $"{at} should be at least {min} chars long"));
        if (schema.MaxLength is { } max && length > max)
            errors.Add(FieldError.TooLong(path, max));
        if (schema.Pattern is { } pattern && !pattern.IsMatch(text))
            errors.Add(FieldError.Invalid(path, JsonValue.Create(text), $"{at} should match '{schema.PatternText}'"));
        if (schema.Format.Length > 0 && !Formats.IsValid(schema.Format, text))
            errors.Add(FieldError.Invalid(path, JsonValue.Create(text), $"{at} must be of type {schema.Format}: \"{text}\""));
    }

    static void ValidateNumber(double number, JsonNode value, SchemaNode schema, string path, List<FieldError> errors)
    {
        var at = SchemaValidator.InBody(path);
        if (schema.Minimum is { } min && (schema.ExclusiveMinimum ? number <= min : number < min))
            errors.Add(FieldError.Invalid(path, value, $"{at} should be greater than {(schema.ExclusiveMinimum ? "" : "or equal to ")}{Text(min)}"));
        if (schema.Maximum is { } max && (schema.ExclusiveMaximum ? number >= max : number > max))
            errors.Add(FieldError.Invalid(path, value, $"{at} should be less than {(schema.ExclusiveMaximum ? "" : "or equal to ")}{Text(max)}"));
        if (schema.MultipleOf is { } step && Math.Abs(Math.IEEERemainder(number, step)) > 1e-9)
            errors.Add(FieldError.Invalid(path, value, $"{at} should be a multiple of {Text(step)}"));
        if (schema.Format == "int32" && number is < int.MinValue or > int.MaxValue)
            errors.Add(FieldError.Invalid(path, value, $"{at} must be of type int32: \"{FieldError.Show(value)}\""));
    }

    static string Text(double number) => number.ToString("R", CultureInfo.InvariantCulture);
}
