// Attributes that turn C# records into CustomResourceDefinitions. Names follow KubeOps and controller-gen where they have one.
namespace Framelease.Kubernetes.Schema;

/// <summary>Marks a record as a Kubernetes kind. Used by the client (paths) and by the CRD generator.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class KubernetesEntityAttribute(string group, string apiVersion, string kind, string pluralName) : Attribute
{
    /// <summary>API group; empty for core.</summary>
    public string Group { get; } = group;

    public string ApiVersion { get; } = apiVersion;

    public string Kind { get; } = kind;

    public string PluralName { get; } = pluralName;

    /// <summary>True (default) when objects live in a namespace.</summary>
    public bool Namespaced { get; init; } = true;
}

/// <summary>What the CRD adds beyond the entity: short names, categories, subresources.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class CustomResourceAttribute : Attribute
{
    public string[] ShortNames { get; init; } = [];

    public string[] Categories { get; init; } = [];

    /// <summary>True (default) for a status subresource.</summary>
    public bool StatusSubresource { get; init; } = true;
}

/// <summary>A column of <c>kubectl get</c>.</summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true)]
public sealed class PrinterColumnAttribute(string name, string type, string jsonPath) : Attribute
{
    public string Name { get; } = name;

    /// <summary>string, integer, number, boolean or date.</summary>
    public string Type { get; } = type;

    public string JsonPath { get; } = jsonPath;

    /// <summary>0 (default) is always shown; above 0 only with <c>-o wide</c>.</summary>
    public int Priority { get; init; }

    public string? Description { get; init; }
}

/// <summary>A field by which lists and watches can select (<c>kubectl get --field-selector</c>). At most 8 a kind.</summary>
/// <param name="jsonPath">From the root, for example <c>.spec.pool</c>; a string, integer or boolean outside metadata.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true)]
public sealed class SelectableFieldAttribute(string jsonPath) : Attribute
{
    public string JsonPath { get; } = jsonPath;
}

/// <summary>The scale subresource (<c>kubectl scale</c>, autoscalers).</summary>
/// <param name="specReplicasPath">An integer below <c>.spec</c>.</param>
/// <param name="statusReplicasPath">An integer below <c>.status</c>.</param>
[AttributeUsage(AttributeTargets.Class)]
public sealed class ScaleSubresourceAttribute(string specReplicasPath, string statusReplicasPath) : Attribute
{
    public string SpecReplicasPath { get; } = specReplicasPath;

    public string StatusReplicasPath { get; } = statusReplicasPath;

    /// <summary>A string below <c>.status</c> or <c>.spec</c> that holds the selector of what is scaled; autoscalers need it. Default: none.</summary>
    public string? LabelSelectorPath { get; init; }
}

/// <summary>Inclusive bounds of an integer. Every integer of a spec carries it.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class RangeAttribute(long minimum, long maximum) : Attribute
{
    public long Minimum { get; } = minimum;

    public long Maximum { get; } = maximum;
}

/// <summary>Bounds of a string's length in characters. Every string of a spec carries it.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class LengthAttribute(int minimum, int maximum) : Attribute
{
    public int Minimum { get; } = minimum;

    public int Maximum { get; } = maximum;
}

/// <summary>Bounds of a list's or map's size, and for strings inside it the length of each.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ItemsAttribute(int minimum, int maximum) : Attribute
{
    public int Minimum { get; } = minimum;

    public int Maximum { get; } = maximum;

    /// <summary>Longest string item; 253 by default.</summary>
    public int ItemMaxLength { get; init; } = 253;
}

/// <summary>ECMA 262 pattern that a string must match.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class PatternAttribute(string pattern) : Attribute
{
    public string Pattern { get; } = pattern;
}

/// <summary>Default that the API server fills in, as JSON text (for example <c>"60"</c>, <c>"\"Allow\""</c>).</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class DefaultAttribute(string json) : Attribute
{
    public string Json { get; } = json;
}

/// <summary>The field must be present.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class RequiredAttribute : Attribute;

/// <summary>List type <c>map</c> with its keys; lists without it are atomic.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ListMapAttribute(params string[] keys) : Attribute
{
    public string[] Keys { get; } = keys;
}

/// <summary>List type <c>set</c>: scalars, each at most once.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ListSetAttribute : Attribute;

/// <summary>A CEL rule (x-kubernetes-validations). Our rules use only ==, !=, &lt;, &amp;&amp;, ||, !, ?:, in, has, size, oldSelf.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Property, AllowMultiple = true)]
public sealed class ValidationRuleAttribute(string rule, string message) : Attribute
{
    public string Rule { get; } = rule;

    public string Message { get; } = message;
}

/// <summary>Keeps any JSON below this property (x-kubernetes-preserve-unknown-fields).</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class PreserveUnknownFieldsAttribute : Attribute;

/// <summary>Accepts an integer or a string (x-kubernetes-int-or-string); the C# type is <see cref="string"/> or JsonElement.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class IntOrStringAttribute : Attribute;

/// <summary>An RFC 3339 time (format date-time) on a string or DateTimeOffset property.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class DateTimeFormatAttribute : Attribute;

/// <summary>Description in the schema. The XML summary is used when this is absent and the documentation file is at hand.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Property)]
public sealed class DescriptionAttribute(string text) : Attribute
{
    public string Text { get; } = text;
}
