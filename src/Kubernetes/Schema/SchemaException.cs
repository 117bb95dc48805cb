namespace Framelease.Kubernetes.Schema;

/// <summary>A type that can not become a CustomResourceDefinition. The message names type and property, and what to do.</summary>
public sealed class SchemaException(string path, string problem) : Exception($"{path}: {problem}")
{
    /// <summary>For example <c>VideoTask.spec.engine</c>.</summary>
    public string Path { get; } = path;
}
