using System.Text.Json.Nodes;
using Framelease.Cli.Commands;

namespace Framelease.Cli.Tests.Commands;

public sealed class ObjectTableTests
{
    static readonly JsonObject Table = (JsonObject)JsonNode.Parse("""
        {"columnDefinitions": [{"name": "Name", "type": "string", "priority": 0}, {"name": "Age", "type": "date", "priority": 0}, {"name": "Token", "type": "integer", "priority": 1}],
         "rows": [{"cells": ["clip", "2025-11-22T14:01:03Z", 7], "object": {"metadata": {"namespace": "default"}}}]}
        """)!;

    [Fact]
    public void Wide_columns_are_shown_only_when_asked_for()
    {
        var shell = new TestShell();

        ObjectTable.Write(Table, wide: false, namespaces: false, shell.Shell);

        shell.Out.ShouldBe("NAME   AGE\nclip   60s\n");
    }

    [Fact]
    public void The_namespace_comes_first_when_there_are_several()
    {
        var shell = new TestShell();

        ObjectTable.Write(Table, wide: true, namespaces: true, shell.Shell);

        shell.Out.ShouldBe("NAMESPACE   NAME   AGE   TOKEN\ndefault     clip   60s   7\n");
    }

    [Fact]
    public void Nothing_is_said_in_words_and_not_as_a_result()
    {
        var shell = new TestShell();

        ObjectTable.Write([], wide: false, namespaces: false, shell.Shell);

        shell.Out.ShouldBeEmpty();
        shell.Error.ShouldBe("No resources found.\n");
    }
}
