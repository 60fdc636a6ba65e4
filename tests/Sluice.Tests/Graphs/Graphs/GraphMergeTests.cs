using System.Collections;
using System.Dynamic;
using System.Text.Json.Nodes;
using Sluice.Graphs;

namespace Sluice.Tests.Graphs;

/// <summary>How the results of nodes are split into named values, and merged into one object.</summary>
public class GraphMergeTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AThrowingGetterFailsTheMergedViewAndIsNamed(bool waits)
    {
        GraphBuilder<int> builder = Graph.For<int>();
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!waits) go.SetResult();
        builder.Add("a", async _ =>
        {
            await go.Task;
            return new Outcome<int>(false, 1);
        });
        builder.Add("b", _ => new Outcome<string>(false, "x"));
        ValueTask<GraphContext<int>> resolving = builder.Build().ResolveAsync(0, Cancellation);
        if (waits) go.SetResult();
        GraphContext<int> context = await resolving;
        var failure = Assert.Throws<NodeFailedException>(() => context.Merged);
        Assert.Equal("a", failure.Node);
        Assert.StartsWith(
            "The node a failed: The property Value of Outcome<int> cannot be read: InvalidOperationException: There is no value.",
                failure.Message, StringComparison.Ordinal);
        Assert.Equal("There is no value.", failure.InnerException!.InnerException!.Message);

        GraphContext<int> last = await builder.Build(new() { LastWins = true }).ResolveAsync(0, Cancellation);
        Assert.Equal("a", Assert.Throws<NodeFailedException>(() => last.Merged).Node);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AContextThatANodeReadEarlyIsCompleteAfterwards(bool waits)
    {
        GraphBuilder<int> builder = Graph.For<int>();
        GraphNode<int> first = builder.Add("first", n => n);
        GraphNode<int> reader = builder.Add("reader", [first], async (context, stop) =>
        {
            if (waits) await Task.Yield();
            _ = context.Topology;
            return context.Merged.Count;
        });
        builder.Add("last", reader, n => n);
        GraphContext<int> context = await builder.Build(new() { RecordTimings = true }).ResolveAsync(7, Cancellation);
        Assert.Equal((1, 1), (context.Get(reader), context["last"]));
        Assert.Equal(["first", "reader", "last"], context.Merged.Keys);
        Assert.Same(context.Merged, context.Merged);
        Assert.All(context.Topology.Nodes, node => Assert.NotNull(node.Time?.Elapsed));
        Assert.DoesNotContain("running", context.Topology.ToText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AValueWhoseEqualsThrowsFailsTheMergedView()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        builder.Add("a", _ => new { Same = new Incomparable() });
        builder.Add("b", _ => new { Same = new Incomparable() });
        GraphContext<int> context = await builder.Build().ResolveAsync(0, Cancellation);
        var failure = Assert.Throws<NodeFailedException>(() => context.Merged);
        Assert.Equal("The node b failed: Its \"same\" cannot be compared with that of a: NotSupportedException: Never.", failure.Message);
    }

    [Fact]
    public async Task OnlyADictionaryWithStringKeysIsTakenApart()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        builder.Add("numbered", n => Enumerable.Range(0, n).ToDictionary(i => i, _ => "x"));
        builder.Add("texts", _ => new Dictionary<string, int>());
        builder.Add<IEnumerable<KeyValuePair<string, int>>>("pairs", _ => new Dictionary<string, int> { ["inPairs"] = 7 });
        builder.Add("untyped", _ => new Hashtable { ["inTable"] = 1 });
        builder.Add("mixed", _ => new Hashtable { [1] = 1 });
        builder.Add("expando", _ =>
        {
            dynamic made = new ExpandoObject();
            made.title = "x";
            return (ExpandoObject)made;
        });
        builder.Add("json", _ => new JsonObject { ["inJson"] = 1 });
        builder.Add("own", _ => new Own());
        builder.Add<object>("any", _ => new Own("other"));
        Graph<int> graph = builder.Build();
        string[] expected = ["any2", "inJson", "inTable", "key", "mixed", "numbered", "pairs", "title"];
        foreach (int count in new[] { 0, 1 })
        {
            IReadOnlyDictionary<string, object?> merged = (await graph.ResolveAsync(count, Cancellation)).Merged;
            Assert.Equal(expected, merged.Keys.Select(key => key == "other" ? "any2" : key).Order(StringComparer.Ordinal));
            Assert.Equal(1, merged["KEY"]);
        }
    }

    [Fact]
    public async Task AConflictIsFoundInADictionaryOfAnyType()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        builder.Add("own", _ => new Own());
        builder.Add("key", _ => 2);
        GraphContext<int> context = await builder.Build().ResolveAsync(0, Cancellation);
        var conflict = Assert.Throws<MergeConflictException>(() => context.Merged);
        Assert.StartsWith("Merged is ambiguous: the entry \"key\" of 'own' (Own) and the value of 'key' (int) have different values. ",
            conflict.Message, StringComparison.Ordinal);
        Assert.Equal(("key", "own", "key"), (conflict.Key, conflict.First, conflict.Second));
    }

    [Fact]
    public async Task AConflictMattersOnlyToTheMergedView()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        GraphNode<Profile> profile = builder.Add("profile", n => new Profile(n));
        GraphNode<Orders> orders = builder.Add("orders", n => new Orders(n + 1));
        GraphNode<int> sum = builder.Add("sum", profile, orders, (p, o) => p!.Id + o!.Id);
        Graph<int> graph = builder.Build();
        GraphContext<int> context = await graph.ResolveAsync(3, Cancellation);
        Assert.Equal((3, 4, 7), (context.Get(profile)!.Id, context.Get(orders)!.Id, context.Get(sum)));
        Assert.Equal(7, context.Leaves["sum"]);
        var conflict = Assert.Throws<MergeConflictException>(() => context.Merged);
        Assert.Equal(("id", "profile", "orders"), (conflict.Key, conflict.First, conflict.Second));
        Assert.Equal(
            "Merged is ambiguous: the property Id of 'profile' (Profile) and the property Id of 'orders' (Orders) have different values. "
                + "Read the values by context.Get(node), give one of the two another name, or set GraphOptions.LastWins = true: then the "
                + "later node's value is taken.", conflict.Message);
        Assert.Throws<MergeConflictException>(() => context.Merge<Plain>());
        Assert.Throws<MergeConflictException>(() => context.Merged);
        Assert.Equal(4, (await builder.Build(new() { LastWins = true }).ResolveAsync(3, Cancellation)).Merged["id"]);
    }

    [Fact]
    public async Task ANodeThatGivesANameTwiceIsAConflict()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        builder.Add("d", n => new Dictionary<string, int> { ["a"] = 1, ["A"] = n });
        GraphContext<int> context = await builder.Build().ResolveAsync(2, Cancellation);
        var conflict = Assert.Throws<MergeConflictException>(() => context.Merged);
        Assert.Equal(
            "Merged is ambiguous: 'd' has two values for \"A\", and names are the same whatever their case. Rename one entry, or set "
                + "GraphOptions.LastWins = true: then the later value is taken.", conflict.Message);
        Assert.Equal(1, (await builder.Build().ResolveAsync(1, Cancellation)).Merged["a"]);
    }

    [Fact]
    public async Task APropertyThatHidesABasePropertyIsUsed()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        builder.Add("reply", _ => new Reply<string>("hello"));
        Assert.Equal("hello", (await builder.Build().ResolveAsync(0, Cancellation)).Merged["data"]);
    }

    [Fact]
    public async Task MergeFillsAnObjectOrNamesTheMemberThatDoesNotFit()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        builder.Add("count", n => n);
        builder.Add("title", _ => "t");
        GraphContext<int> context = await builder.Build().ResolveAsync(-5, Cancellation);
        Assert.Equal(-5, context.Merge<Plain>().Count);
        Assert.Equal((-5, "t", "left"), (context.Merge<Settable>().Count, context.Merge<Settable>().Title,
            context.Merge<Settable>().Other));
        Assert.Equal("Long takes Count as long, and int was produced.",
            Assert.Throws<InvalidOperationException>(() => context.Merge<Long>()).Message);
        Assert.Equal("Required takes Missing, which nothing produced. There are: count, title.",
            Assert.Throws<InvalidOperationException>(() => context.Merge<Required>()).Message);
        Assert.Equal("count", Assert.Throws<ArgumentOutOfRangeException>(() => context.Merge<Strict>()).ParamName);
        Assert.Equal("value", Assert.Throws<ArgumentOutOfRangeException>(() => context.Merge<StrictProperty>()).ParamName);
    }

    [Fact]
    public async Task ADefaultOfTheConstructorIsTaken()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        builder.Add("title", n => n == 0 ? "t" : "");
        GraphContext<int> context = await builder.Build().ResolveAsync(0, Cancellation);
        Assert.Equal(new WithDefaults("t", DayOfWeek.Tuesday, DayOfWeek.Friday, 3, default, null), context.Merge<WithDefaults>());
    }

    private sealed record WithDefaults(string Title, DayOfWeek? Day = DayOfWeek.Tuesday, DayOfWeek Plain = DayOfWeek.Friday,
        long? Count = 3, TimeSpan Time = default, DayOfWeek? None = null);

    private sealed record Profile(int Id);

    private sealed record Orders(int Id);

    private sealed class Outcome<T>(bool isOk, T value)
    {
        public bool IsOk => isOk;

        public T Value => isOk ? value : throw new InvalidOperationException("There is no value.");
    }

    private sealed class Incomparable
    {
        public override bool Equals(object? obj) => throw new NotSupportedException("Never.");

        public override int GetHashCode() => 0;
    }

    private class Reply
    {
        public object? Data { get; init; }
    }

    private sealed class Reply<T>(T data) : Reply
    {
        public new T Data { get; } = data;
    }

    private sealed class Own(string key = "key") : IReadOnlyDictionary<string, int>
    {
        public int Count => 1;

        public IEnumerable<string> Keys => [key];

        public IEnumerable<int> Values => [1];

        public int this[string wanted] => 1;

        public bool ContainsKey(string wanted) => wanted == key;

        public bool TryGetValue(string wanted, out int value)
        {
            value = 1;
            return wanted == key;
        }

        public IEnumerator<KeyValuePair<string, int>> GetEnumerator()
        {
            yield return new(key, 1);
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }

    private struct Plain
    {
        public int Count { get; set; }
    }

    private sealed class Settable
    {
        public int Count { get; set; }

        public string Title { get; init; } = "";

        public string Other { get; set; } = "left";
    }

    private sealed class Long
    {
        public long Count { get; set; }
    }

    private sealed class Required
    {
        public required string Missing { get; init; }
    }

    private sealed class Strict
    {
        public Strict(int count) => ArgumentOutOfRangeException.ThrowIfNegative(count);
    }

    private sealed class StrictProperty
    {
        public int Count
        {
            get;
            set
            {
                ArgumentOutOfRangeException.ThrowIfNegative(value);
                field = value;
            }
        }
    }
}
