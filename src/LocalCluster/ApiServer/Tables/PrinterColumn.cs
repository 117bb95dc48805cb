namespace Framelease.LocalCluster.ApiServer.Tables;

/// <summary>A column that <c>kubectl get</c> prints, as a CustomResourceDefinition declares it.</summary>
/// <param name="Name">Heading.</param>
/// <param name="Type">string, integer, number, boolean or date (shown as an age).</param>
/// <param name="JsonPath">Where the value is, such as <c>.status.phase</c>.</param>
/// <param name="Format">Refines the type for clients.</param>
/// <param name="Description">Help text.</param>
/// <param name="Priority">0 is always shown; higher ones only with <c>-o wide</c>.</param>
sealed record PrinterColumn(string Name, string Type, string JsonPath, string Format = "", string Description = "", int Priority = 0);
