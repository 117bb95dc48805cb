namespace Framelease.Conformance.Tests.Support;

/// <summary>The custom kind that most cases use: one of everything that a structural schema can say.</summary>
public static class Widgets
{
    public const string Definition = """
        {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"widgets.conformance.framelease.dev"},
         "spec":{"group":"conformance.framelease.dev","scope":"Namespaced",
          "names":{"plural":"widgets","singular":"widget","kind":"Widget","shortNames":["wdg"],"categories":["gadgets"]},
          "versions":[{"name":"v1","served":true,"storage":true,"subresources":{"status":{}},
           "additionalPrinterColumns":[
            {"name":"Size","type":"integer","jsonPath":".spec.size"},
            {"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"},
            {"name":"Color","type":"string","jsonPath":".spec.color","priority":1},
            {"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}],
           "schema":{"openAPIV3Schema":{"type":"object","required":["spec"],"properties":{
            "spec":{"type":"object","required":["size"],
             "x-kubernetes-validations":[
              {"rule":"!has(oldSelf.owner) || (has(self.owner) && self.owner == oldSelf.owner)","message":"owner is immutable once set"},
              {"rule":"!has(self.min) || !has(self.max) || self.min <= self.max","message":"min must not exceed max"}],
             "properties":{
              "size":{"type":"integer","minimum":0,"maximum":100},
              "color":{"type":"string","enum":["Red","Green"],"default":"Red"},
              "code":{"type":"string","pattern":"^[a-z]+$","minLength":2,"maxLength":8},
              "owner":{"type":"string"},
              "fixed":{"type":"string","x-kubernetes-validations":[{"rule":"self == oldSelf","message":"fixed is immutable"}]},
              "min":{"type":"integer"},"max":{"type":"integer"},
              "share":{"type":"number","minimum":0,"maximum":1,"exclusiveMaximum":true},
              "port":{"x-kubernetes-int-or-string":true},
              "note":{"type":"string","nullable":true},
              "due":{"type":"string","format":"date-time"},
              "tags":{"type":"array","x-kubernetes-list-type":"set","maxItems":3,"items":{"type":"string"}},
              "parts":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"],"items":{"type":"object",
               "required":["name"],"properties":{"name":{"type":"string"},"count":{"type":"integer","default":1}}}},
              "nested":{"type":"object","default":{},"properties":{"level":{"type":"integer","default":5}}},
              "limits":{"type":"object","maxProperties":2,"additionalProperties":{"type":"integer"}},
              "free":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}},
            "status":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}}]}}
        """;

    public const string Group = "/apis/conformance.framelease.dev/v1";

    public static string In(string ns) => $"{Group}/namespaces/{ns}/widgets";

    public static string Of(string ns, string name) => $"{In(ns)}/{name}";

    public static string Body(string name, string spec = """{"size":1}""", string metadata = "") =>
        $$$"""{"apiVersion":"conformance.framelease.dev/v1","kind":"Widget","metadata":{"name":"{{{name}}}"{{{(metadata.Length > 0 ? $",{metadata}" : "")}}} },"spec":{{{spec}}}}""";

    public static async Task Install(Api api)
    {
        var reply = await api.Post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", Definition);
        if (reply.Code != 409)
            reply.ShouldBe(201);
        await api.Until($"{Group}/widgets", list => list.Code == 200, "served");
    }
}
