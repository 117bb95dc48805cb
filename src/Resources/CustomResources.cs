using Framelease.Kubernetes.Schema;

namespace Framelease.Resources;

/// <summary>Every kind of this group: what the CRD generator, the installer and the drift test go through.</summary>
public static class CustomResources
{
    public static IReadOnlyList<Type> All { get; } = [typeof(VideoTask), typeof(GpuLease), typeof(GpuPool), typeof(Engine), typeof(Tenant)];

    /// <summary>The definition of a kind as <c>crds/</c> holds it.</summary>
    public static string DefinitionYaml(Type kind) => Header + CrdGenerator.GenerateYaml(kind);

    const string Header = "# Generated from the C# records by `./framelease crds --directory crds`. Do not edit: change the record and generate again.\n";
}
