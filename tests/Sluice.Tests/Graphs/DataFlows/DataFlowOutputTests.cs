using Sluice.Graphs;

namespace Sluice.Tests.Graphs;

/// <summary>Outputs of functions: named by position, dropped, and those of a dispatch whose implementation is chosen where the flow is
/// defined.</summary>
public class DataFlowOutputTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private sealed record Pair(int One, string Two);

    private static (int, string, int) Three(int n) => (n, $"{n}", -n);

    private static (int first, int second, int, int, int, int, int, int last) Eight() => (1, 2, 3, 4, 5, 6, 7, 8);

    private static Pair Both(int n) => new(n, "two");

    private static int Plain(int n) => n;

    private static Task<(int, string)?> Perhaps(int n) => Task.FromResult(n > 0 ? (n, "some") : ((int, string)?)null);

    private static object Open(int n) => new { a = n, b = n };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OutputsAreNamedByPosition(bool isReflected)
    {
        Assert.Equal("a=3, b=3, c=-3", await RunAsync(DataFlow.Function(Three).NameOutputs("a", "b", "c")));
        Assert.Equal("b=3", await RunAsync(DataFlow.Function(Three).NameOutputs(null, "b", null)));
        Assert.Equal("x=3, y=two", await RunAsync(DataFlow.Function(Both).NameOutputs("x", "y")));
        Assert.Equal("y=two", await RunAsync(DataFlow.Function(Both).NameOutputs(null, "y")));
        Assert.Equal("out=3", await RunAsync(DataFlow.Function(Plain).NameOutputs("out")));
        Assert.Equal("n=3", await RunAsync(DataFlow.Function(Plain).NameOutputs([null])));
        Assert.Equal("a=3, b=some", await RunAsync(DataFlow.Function(Perhaps).NameOutputs("a", "b")));
        Assert.Equal("eighth=8, first=1", await RunAsync(DataFlow.Function(Eight)
            .NameOutputs("first", null, null, null, null, null, null, "eighth")));
        Assert.Equal("whole=(3, 3, -3)", await RunAsync(DataFlow.Function(Three).AsValue().NameOutputs("whole")));
        Assert.Equal("a=3, z=-3", await RunAsync(DataFlow.Function(Three).NameOutputs("a", "b", "c").DropOutput("b")
            .RenameOutput("c", "z")));

        async Task<string> RunAsync(DataFlowFunction function)
        {
            DataFlow flow = DataFlow.From(function);
            DataFlowResult result = await (isReflected ? flow.Reflected() : flow).RunAsync(new { n = 3 }, Cancellation);
            return string.Join(", ", result.Values.OrderBy(value => value.Key, StringComparer.Ordinal)
                .Select(value => $"{value.Key}={value.Value}"));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OutputsMayBeDropped(bool isReflected)
    {
        static Dictionary<string, int> Entries(int n) => new() { ["a"] = n, ["b"] = n + 1 };
        static (int a, int kept) Other(int n) => (n + 5, n);
        // Without DropOutput, functions of this stage would give "a" different values.
        DataFlow flow = DataFlow.From(DataFlow.Function(Entries).DropOutput("A", "missing"), DataFlow.Function(Other),
            DataFlow.Function(Open).DropOutput("a", "b"), DataFlow.Function(Both).DropOutput("two"));
        DataFlowResult result = await (isReflected ? flow.Reflected() : flow).RunAsync(new { n = 3 }, Cancellation);
        Assert.Equal(["a=8", "b=4", "kept=3", "one=3"],
            result.Values.Select(value => $"{value.Key}={value.Value}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void InvalidOutputNamesAndDropsAreRefused()
    {
        Says("Three gives 3 values ((int, string, int)), and is given 2 names. Name each position, with null for one that is left out.",
            () => DataFlow.Function(Three).NameOutputs("a", "b"));
        Says("Plain gives 1 value (int), and is given 2 names. Name each position, with null for one that is left out.",
            () => DataFlow.Function(Plain).NameOutputs("a", "b"));
        Says("Open cannot name its outputs by position: object has names that are known only when it has run. Use RenameOutput.",
            () => DataFlow.Function(Open).NameOutputs("a"));
        Says("Both cannot leave out an output. There is no value \"tow\". Near it: two.",
            () => DataFlow.Function(Both).DropOutput("tow"));
        Says("Both cannot rename an output. There is no value \"two\". There are: one.",
            () => DataFlow.Function(Both).DropOutput("two").RenameOutput("two", "x"));
        Says("late gives 1 value (int), and is given 2 names. Name each position, with null for one that is left out.",
            () => DataFlow.From(DataFlow.Function((int n) => n).NameOutputs("a", "b").Named("late")));
    }

    [Fact]
    public async Task AnImplementationIsChosenWhereTheFlowIsDefined()
    {
        static (int b, int unused) Bar(int a) => (a + 1, 0);
        static (int c, int unused) Baz(int b) => (b * 10, 0);
        DataFlowFunction foo = DataFlow.Dispatch("Foo", ("bar", Bar), ("baz", Baz));
        DataFlow flow = DataFlow.From(foo["bar"]) | foo["baz"];
        Assert.Equal("Foo[bar] | Foo[baz]", flow.ToString());
        Assert.Equal(20, (await flow.RunAsync(new { a = 1 }, Cancellation)).Get<int>("c"));

        DataFlowFunction load = DataFlow.Dispatch("Load", "kind", ("one", (int a) => a),
            ("ten", DataFlow.Function((int source) => source * 10).RenameInput("source", "a")));
        Assert.Equal(50, (await DataFlow.From(load["ten"]).RunAsync(new { a = 5 }, Cancellation)).Get<int>("load"));
        Assert.Equal(5, (await DataFlow.From(load["one"].Named("single")).RunAsync(new { a = 5 }, Cancellation)).Get<int>("single"));
        Assert.Equal(50, (await DataFlow.From(load).RunAsync(new { kind = "ten", a = 5 }, Cancellation)).Get<int>("load"));

        Says("Foo has no implementation of that key. There is no key \"ba\". Near it: bar, baz.", () => _ = foo["ba"]);
        Says("Plain is one function and has no keys. Give it several implementations: DataFlow.Dispatch.",
            () => _ = DataFlow.Function(Plain)["a"]);
        Says("Foo has several implementations, and none is chosen. Write Foo[\"bar\"], or say by which value runs choose: "
            + "DataFlow.Dispatch(\"Foo\", \"key\", …).", () => DataFlow.From(foo));
    }

    [Fact]
    public async Task DispatchOptionsAreCheckedAgainstTheChosenImplementation()
    {
        static void Clear() => throw new FormatException("cleared");
        static int Number() => throw new FormatException("no number");
        static string Text() => throw new FormatException("no text");
        DataFlowFunction optional = DataFlow.Dispatch("Load", ("nothing", Clear), ("number", Number)).Optional();
        Says("Load[number] gives something that would be missing if it failed: only functions that return nothing can be optional. Give "
            + "it a Fallback.", () => _ = optional["number"]);
        await DataFlow.From(optional["nothing"]).RunAsync(new { unused = 0 }, Cancellation);

        DataFlowFunction load = DataFlow.Dispatch("Load", ("text", Text), ("number", Number));
        Says("Load[number] returns int, and its fallback is of type string. Let both have one type.",
            () => _ = load.Fallback("none")["number"]);
        Assert.Equal("none", (await DataFlow.From(load.Fallback("none")["text"])
            .RunAsync(new { unused = 0 }, Cancellation)).Get<string>("load"));
        DataFlowFunction made = load.Fallback(failure => failure.Message == "no number" ? 7 : "other");
        Assert.Equal(7, (await DataFlow.From(made["number"]).RunAsync(new { unused = 0 }, Cancellation)).Get<int>("load"));
        Assert.Equal("other", (await DataFlow.From(made["text"]).RunAsync(new { unused = 0 }, Cancellation)).Get<string>("load"));
    }

    private static void Says(string message, Action make) => Assert.Equal(message, Assert.Throws<DataFlowException>(make).Message);
}
