namespace Framelease.Conformance.Tests.Support;

/// <summary>The server that FRAMELEASE_TEST_KUBECONFIG names; without it every case is skipped before this is asked anything.</summary>
public sealed class GivenServer : Server
{
    public override async Task InitializeAsync()
    {
        KubeconfigPath = Environment.GetEnvironmentVariable(CaseDiscoverer.GivenVariable) ?? "";
        if (KubeconfigPath.Length == 0)
            return;
        Api = new Api(Kubeconfig.Read(KubeconfigPath));
        await Widgets.Install(Api);
    }
}

[CollectionDefinition(Name)]
public sealed class GivenCollection : ICollectionFixture<GivenServer>
{
    public const string Name = "Given";
}
