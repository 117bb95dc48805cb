using Framelease.LocalCluster.ApiServer.Tables;

namespace Framelease.LocalCluster.ApiServer.Builtin;

/// <summary>Which built-in kinds have columns of their own.</summary>
static class BuiltinRows
{
    public static ITableRows? For(string plural) => null;
}
