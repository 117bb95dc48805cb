namespace Framelease.Resources;

/// <summary>Every kind of this group: what the CRD generator, the installer and the drift test go through.</summary>
public static class CustomResources
{
    public static IReadOnlyList<Type> All { get; } = [typeof(VideoTask), typeof(GpuLease), typeof(GpuPool), typeof(Engine), typeof(Tenant)];
}
