using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Watching;
using StoreInput = Framelease.Kubernetes.Watching.StoreInput<Framelease.Kubernetes.Models.ConfigMap>;

namespace Framelease.Kubernetes.Tests.Watching;

public sealed class StoreTests
{
    readonly Store<ConfigMap> _store = new("configmaps");
    readonly List<string> _changes = [];

    [Fact]
    public void Nothing_of_a_list_is_visible_before_its_last_page()
    {
        _store.Write(new StoreInput.Page([Map("a", 1)], First: true, Last: false));
        _store.Count.ShouldBe(0);
        _store.Ready.IsCompleted.ShouldBeFalse();
        _store.Write(new StoreInput.Page([Map("b", 2)], First: false, Last: true));
        _store.List().Select(m => m.Metadata.Name).ShouldBe(["a", "b"], ignoreOrder: true);
        _store.Ready.IsCompletedSuccessfully.ShouldBeTrue();
    }

    [Fact]
    public void A_list_that_begins_again_forgets_the_pages_of_the_one_before()
    {
        _store.Write(new StoreInput.Page([Map("a", 1)], First: true, Last: false));
        Relist(Map("b", 2));
        _store.Keys().ShouldBe([new ObjectKey("ns", "b")]);
    }

    [Fact]
    public void A_relist_tells_handlers_exactly_what_is_different()
    {
        Relist(Map("same", 1), Map("changed", 2), Map("gone", 3));
        Listen();
        _changes.Clear();
        Relist(Map("same", 1), Map("changed", 5), Map("new", 6));
        _changes.ShouldBe(["Deleted gone", "Updated changed 2→5", "Added new"], ignoreOrder: true);
    }

    [Fact]
    public void A_new_handler_first_hears_of_what_is_there()
    {
        Relist(Map("a", 1));
        Listen();
        _changes.ShouldBe(["Added a"]);
    }

    [Fact]
    public void Repeated_and_older_events_change_nothing()
    {
        Relist(Map("a", 5));
        Listen();
        _changes.Clear();
        _store.Write(new StoreInput.Apply(Map("a", 5)));
        _store.Write(new StoreInput.Apply(Map("a", 3)));
        _store.Write(new StoreInput.Delete(Map("a", 4)));
        _changes.ShouldBeEmpty();
        _store.Find(new("ns", "a"))!.Metadata.ResourceVersion.ShouldBe("5");
    }

    [Fact]
    public void An_old_event_does_not_bring_a_deleted_object_back_but_a_new_object_of_the_same_name_comes()
    {
        Relist(Map("a", 5));
        _store.Write(new StoreInput.Delete(Map("a", 9)));
        _store.Write(new StoreInput.Apply(Map("a", 5)));
        _store.TryGet(new("ns", "a"), out _).ShouldBeFalse();
        _store.Write(new StoreInput.Apply(Map("a", 10)));
        _store.TryGet(new("ns", "a"), out _).ShouldBeTrue();
    }

    [Fact]
    public void A_handler_that_throws_does_not_keep_the_others_from_hearing()
    {
        _store.Subscribe(_ => throw new InvalidOperationException());
        Listen();
        _store.Write(new StoreInput.Apply(Map("a", 1)));
        _changes.ShouldBe(["Added a"]);
    }

    [Fact]
    public void A_handler_that_left_hears_nothing()
    {
        Listen().Dispose();
        _store.Write(new StoreInput.Apply(Map("a", 1)));
        _changes.ShouldBeEmpty();
    }

    [Fact]
    public void An_index_follows_every_change()
    {
        Relist(Map("a", 1, "x"));
        var index = _store.AddIndex(m => m.Data!.Keys);
        index.Find("x").Count.ShouldBe(1);
        _store.Write(new StoreInput.Apply(Map("a", 2, "y")));
        _store.Write(new StoreInput.Apply(Map("b", 3, "y")));
        index.Find("x").ShouldBeEmpty();
        index.Find("y").Count.ShouldBe(2);
        _store.Write(new StoreInput.Delete(Map("a", 4, "z")));
        Relist(Map("c", 9, "x"));
        index.Find("y").ShouldBeEmpty();
        index.Find("x").Single().Metadata.Name.ShouldBe("c");
    }

    void Relist(params ConfigMap[] maps) => _store.Write(new StoreInput.Page(maps, First: true, Last: true));

    IDisposable Listen() => _store.Subscribe(c => _changes.Add(c.Kind == StoreChangeKind.Updated
        ? $"Updated {c.Key.Name} {c.Old!.Metadata.ResourceVersion}→{c.New!.Metadata.ResourceVersion}"
        : $"{c.Kind} {c.Key.Name}"));

    static ConfigMap Map(string name, int version, string key = "k") => new()
    {
        Metadata = new() { Name = name, Namespace = "ns", ResourceVersion = $"{version}" },
        Data = new Dictionary<string, string> { [key] = "v" },
    };
}
