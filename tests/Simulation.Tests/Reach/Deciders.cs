using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Text.Json.Serialization;
using Framelease.Domain.Leasing;
using Framelease.GpuWorker.Attempts;
using Framelease.NodeAgent;
using Framelease.Operator.Ledger;

namespace Framelease.Simulation.Tests.Reach;

/// <summary>
/// The classes with decisions of the lease system: every class of these namespaces that has a method of its own with a conditional branch.
/// </summary>
static class Deciders
{
    static readonly string[] Namespaces =
    [
        "Framelease.Domain", "Framelease.Domain.Devices", "Framelease.Domain.Leasing", "Framelease.Domain.Tasks",
        "Framelease.Domain.Scheduling",
        "Framelease.Operator.Attempts", "Framelease.Operator.Authority", "Framelease.Operator.Dispatch", "Framelease.Operator.Leadership",
        "Framelease.Operator.Leases", "Framelease.Operator.Liveness", "Framelease.Operator.Pods", "Framelease.Operator.Pools",
        "Framelease.Operator.Status", "Framelease.Operator.Tasks", "Framelease.Operator.Tenants", "Framelease.Operator.WorkerApi",
        "Framelease.GpuWorker.Attempts", "Framelease.NodeAgent", "Framelease.NodeAgent.Judging",
    ];

    static readonly HashSet<short> Conditional = [.. typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(f => (OpCode)f.GetValue(null)!).Where(o => o.FlowControl is FlowControl.Cond_Branch).Select(o => o.Value)];

    static readonly Dictionary<short, OperandType> Operands = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(f => (OpCode)f.GetValue(null)!).ToDictionary(o => o.Value, o => o.OperandType);

    // Below the tables that it needs: fields are made in the order of the text.
    public static IReadOnlyList<string> All { get; } =
    [
        .. new[] { typeof(LeaseDecider), typeof(PostgresLedger), typeof(Worker), typeof(AgentLoop) }.SelectMany(t => t.Assembly.GetTypes())
            .Where(t => Namespaces.Contains(t.Namespace) && !t.IsNested && t.IsClass && !t.IsAssignableTo(typeof(Exception)) && Decides(t))
            .Select(t => t.FullName!).Order(StringComparer.Ordinal),
    ];

    static bool Decides(Type type) => Own(type).Any(HasBranch)
        || type.GetNestedTypes(BindingFlags.NonPublic | BindingFlags.Public).Any(n => IsMade(n) && Own(n).Any(HasBranch));

    // Records and generated JSON bring methods that nobody wrote.
    static IEnumerable<MethodInfo> Own(Type type) => type
        .GetMethods(BindingFlags.DeclaredOnly | BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
        .Where(m => !m.IsSpecialName && (IsMade(type) || !IsMade(m)) && !type.IsAssignableTo(typeof(JsonSerializerContext)));

    static bool IsMade(MemberInfo member) => member.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false);

    static bool HasBranch(MethodInfo method)
    {
        if (method.GetMethodBody()?.GetILAsByteArray() is not { } il)
            return false;
        for (var at = 0; at < il.Length;)
        {
            var isLong = il[at] == 0xFE && at + 1 < il.Length;
            var value = isLong ? unchecked((short)(0xFE00 | il[at + 1])) : il[at];
            if (Conditional.Contains(value))
                return true;
            at += (isLong ? 2 : 1) + OperandOf(value, il, at + 1);
        }

        return false;
    }

    static int OperandOf(short value, byte[] il, int at) => Operands.GetValueOrDefault(value) switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(il, at)),
        _ => 4,
    };
}
