using Sluice.Graphs;

namespace Sluice.Tests.Graphs;

/// <summary>Calls of one step are told apart by their arguments.</summary>
public class StepNameTests
{
    private enum Kind
    {
        Small,
        Large,
    }

    private sealed record Page(string Text);

    [Fact]
    public async Task RepeatedCallsAreNamedByTheirArguments()
    {
        await using StepScope scope = StepScope.Begin();
        var fetch = Step.Of((int n) => n).Named("fetch");
        var load = Step.Of((string text, Kind kind, double number) => text).Named("load");
        var show = Step.Of((Page page) => page).Named("show");
        var sum = Step.Of((int a, int b) => a + b).Named("sum");
        var once = Step.Of((int n) => n).Named("once");
        var many = Step.Of((string a, string b, string c, string d) => a).Named("many");
        await sum(fetch(1), fetch(2));
        await sum(fetch(1), 7);
        await load("a1", Kind.Large, 0.5);
        await load("a\n\"(b]\0\u001b 012345678901234567890123456789", Kind.Small, -1);
        await load((string)null!, (Kind)7, double.NaN);
        await show(new Page("one"));
        await show(new Page("two"));
        await once(1);
        await many("1", "2", "3", "4");
        await many("5", "6", "7", "8");
        Assert.Equal(
            [
                "fetch(1)", "fetch(2)", "sum", "fetch(1)-2", "sum(7)", "load(a1, Large, 0.5)",
                    "load(a\\u000a\"(b]\\u0000\\u001b 01234567890…, Small, -1)", "load(null, 7, NaN)",
                "show", "show-2", "once", "many(1, 2, 3, …)", "many(5, 6, 7, …)",
            ],
            scope.Topology.Nodes.Select(node => node.Name));
        Assert.Contains("fetch#40;1#41;", scope.Topology.ToMermaid(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ArgumentsCanBeHidden()
    {
        await using StepScope scope = StepScope.Begin(options: new() { ShowsArguments = false });
        var open = Step.Of((string password) => 1).Named("open");
        await open("secret");
        await open("other");
        Assert.Equal(["open", "open-2"], scope.Topology.Nodes.Select(node => node.Name));
    }

    /// <summary>A recorded graph keeps no large object alive.</summary>
    [Fact]
    public async Task ARecordedGraphDoesNotKeepArgumentsAlive()
    {
        await using StepScope scope = StepScope.Begin();
        var (page, text) = Call();
        await scope.Completion;
        await Garbage.CollectAsync(page, text);
        Assert.Equal("show", Assert.Single(scope.Topology.Nodes).Name);

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static (WeakReference, WeakReference) Call()
        {
            var page = new Page("one");
            string text = new('x', 10_000);
            _ = Step.Of((Page page, string text) => 1).Named("show")(page, text);
            return (new(page), new(text));
        }
    }
}
