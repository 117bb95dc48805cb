using Xunit.Abstractions;
using Xunit.Sdk;

namespace Framelease.Conformance.Tests.Support;

/// <summary>What a case needs that not every server has; a server without it skips the case and says why.</summary>
[Flags]
public enum Needs
{
    Nothing = 0,

    /// <summary>Tokens, TokenReview and permissions.</summary>
    Authentication = 1,

    /// <summary>The loops that collect orphans and empty namespaces.</summary>
    Controllers = 2,

    /// <summary>Defaults and validation of built-in kinds, and pods that end with grace.</summary>
    BuiltInRules = 4,

    /// <summary>The process can be killed and started again on its data.</summary>
    Restart = 8,

    /// <summary>The server's data directory is at hand.</summary>
    DataDirectory = 16,

    /// <summary>A watch history that can be made to overflow in a test's time.</summary>
    BoundedHistory = 32,
}

/// <summary>One case of the suite. It is written once in an abstract class and runs in one subclass a server.</summary>
[AttributeUsage(AttributeTargets.Method)]
[XunitTestCaseDiscoverer("Framelease.Conformance.Tests.Support.CaseDiscoverer", "Framelease.Conformance.Tests")]
public sealed class CaseAttribute : FactAttribute
{
    public Needs Needs { get; set; }
}

/// <summary>Names the server that a subclass runs against: Local (started by the suite) or Given (named by the environment).</summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class AgainstAttribute(string server) : Attribute
{
    public string Server { get; } = server;
}

/// <summary>Decides at discovery whether a case can run, so that what does not run is counted and named.</summary>
public sealed class CaseDiscoverer(IMessageSink diagnostics) : IXunitTestCaseDiscoverer
{
    public const string GivenVariable = "FRAMELEASE_TEST_KUBECONFIG";

    // An API server without controllers, authentication and admission, such as the upstream machinery on etcd alone.
    const Needs GivenLacks =
        Needs.Authentication | Needs.Controllers | Needs.BuiltInRules | Needs.Restart | Needs.DataDirectory | Needs.BoundedHistory;

    public IEnumerable<IXunitTestCase> Discover(ITestFrameworkDiscoveryOptions options, ITestMethod method, IAttributeInfo fact)
    {
        var server = method.TestClass.Class.GetCustomAttributes(typeof(AgainstAttribute)).FirstOrDefault()?.GetConstructorArguments().First() as string;
        var reason = SkipReason(server ?? "Local", fact.GetNamedArgument<Needs>(nameof(CaseAttribute.Needs)));
        var display = options.MethodDisplayOrDefault();
        yield return reason is null
            ? new XunitTestCase(diagnostics, display, options.MethodDisplayOptionsOrDefault(), method)
            : new SkippedCase(diagnostics, display, options.MethodDisplayOptionsOrDefault(), method, reason);
    }

    static string? SkipReason(string server, Needs needs)
    {
        if (server == "Local")
            return null;
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable(GivenVariable)))
            return $"{GivenVariable} names no server";
        var missing = needs & GivenLacks;
        return missing == 0 ? null : $"the server of {GivenVariable} is not expected to have: {missing}";
    }
}

/// <summary>A case that is reported as skipped with a reason found at discovery.</summary>
public sealed class SkippedCase : XunitTestCase
{
    string _reason = "";

    [Obsolete("for the deserializer")]
    public SkippedCase()
    {
    }

    public SkippedCase(IMessageSink sink, TestMethodDisplay display, TestMethodDisplayOptions options, ITestMethod method, string reason)
        : base(sink, display, options, method) => _reason = reason;

    protected override string GetSkipReason(IAttributeInfo factAttribute) => _reason;

    public override void Serialize(IXunitSerializationInfo data)
    {
        data.AddValue("Reason", _reason);
        base.Serialize(data);
    }

    public override void Deserialize(IXunitSerializationInfo data)
    {
        _reason = data.GetValue<string>("Reason");
        base.Deserialize(data);
    }
}
