using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Registry;

namespace Framelease.LocalCluster.ApiServer.Builtin;

/// <summary>Pods begin Pending, keep almost all of their spec, and end with grace while a node runs them.</summary>
sealed class PodStrategy : ResourceStrategy
{
    // What may change on a pod that exists, besides metadata.
    static readonly string[] Mutable = ["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "nodeName"];

    public override bool ReturnsDeleted => true;

    public override void PrepareForCreate(JsonObject item)
    {
        item["status"] = new JsonObject { ["phase"] = "Pending", ["qosClass"] = QosClass(item) };
        var spec = item.Obj("spec");
        if (spec is null)
            return;
        var account = spec.Str("serviceAccountName") is { Length: > 0 } named ? named : spec.Str("serviceAccount") is { Length: > 0 } older ? older : "default";
        spec["serviceAccountName"] = account;
        spec["serviceAccount"] = account;
        foreach (var container in (spec.Arr("containers") ?? []).Concat(spec.Arr("initContainers") ?? []).OfType<JsonObject>())
            container["imagePullPolicy"] ??= PullPolicy(container.Str("image") ?? "");
    }

    public override IEnumerable<FieldError> Validate(JsonObject item, JsonObject? old)
    {
        var spec = item.Obj("spec");
        if (spec is null)
            return [FieldError.Required("spec")];
        return ValidateContainers(spec).Concat(old is null ? [] : ValidateUnchanged(spec, old.Obj("spec")));
    }

    public override long GraceOnDelete(JsonObject item, long? asked)
    {
        var hasNode = item.Obj("spec").Str("nodeName") is { Length: > 0 };
        if (!hasNode || item.Obj("status").Str("phase") is "Succeeded" or "Failed")
            return 0;
        return Math.Max(0, asked ?? item.Obj("spec").Int("terminationGracePeriodSeconds") ?? 30);
    }

    static IEnumerable<FieldError> ValidateContainers(JsonObject spec)
    {
        if (spec.Arr("containers") is not { Count: > 0 })
            yield return FieldError.Required("spec.containers");
        var names = new HashSet<string>();
        foreach (var list in (IEnumerable<string>)["containers", "initContainers"])
        {
            foreach (var (index, container) in (spec.Arr(list) ?? []).Index())
            {
                var at = $"spec.{list}[{index}]";
                var name = container.Str("name") ?? "";
                if (name.Length == 0)
                    yield return FieldError.Required($"{at}.name");
                else if (Selectors.Names.LabelProblem(name) is { } problem)
                    yield return FieldError.Invalid($"{at}.name", name, problem);
                else if (!names.Add(name))
                    yield return FieldError.Duplicate($"{at}.name", name);
                if (string.IsNullOrEmpty(container.Str("image")))
                    yield return FieldError.Required($"{at}.image");
                foreach (var (at2, variable) in (container.Arr("env") ?? []).Index())
                {
                    if (string.IsNullOrEmpty(variable.Str("name")))
                        yield return FieldError.Required($"{at}.env[{at2}].name");
                }
            }
        }
    }

    static IEnumerable<FieldError> ValidateUnchanged(JsonObject spec, JsonObject? old)
    {
        var (left, right) = (Fixed(spec), Fixed(old ?? []));
        var nodeChanged = old.Str("nodeName") is { Length: > 0 } node && node != spec.Str("nodeName");
        if (nodeChanged || !JsonAccess.Same(left, right))
        {
            yield return FieldError.Forbidden("spec", "pod updates may not change fields other than `spec.containers[*].image`,"
                + "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
                + "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)");
        }
    }

    static JsonObject Fixed(JsonObject spec)
    {
        var copy = (JsonObject)spec.DeepClone();
        foreach (var name in Mutable)
            copy.Remove(name);
        foreach (var container in (copy.Arr("containers") ?? []).Concat(copy.Arr("initContainers") ?? []).OfType<JsonObject>())
            container.Remove("image");
        return copy;
    }

    static string PullPolicy(string image)
    {
        var tag = image[(image.LastIndexOf('/') + 1)..];
        return tag.Contains('@') || (tag.Contains(':') && !tag.EndsWith(":latest", StringComparison.Ordinal)) ? "IfNotPresent" : "Always";
    }

    static string QosClass(JsonObject pod)
    {
        var resources = (pod.Obj("spec").Arr("containers") ?? []).Select(container => container.Obj("resources")).ToList();
        if (resources.TrueForAll(r => r.Obj("limits") is not { Count: > 0 } && r.Obj("requests") is not { Count: > 0 }))
            return "BestEffort";
        bool IsFixed(JsonObject? r, string name) => r.Obj("limits")?[name] is { } limit && JsonAccess.Same(r.Obj("requests")?[name] ?? limit, limit);
        return resources.TrueForAll(r => IsFixed(r, "cpu") && IsFixed(r, "memory")) ? "Guaranteed" : "Burstable";
    }
}
