using Sluice.Graphs;

namespace Sluice.Tests.Graphs.DataFlows;

/// <summary>Mistakes in a flow are reported before the flow runs, as far as the types show them.</summary>
public class DataFlowProblemTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private delegate void TakesOut(out int n);

    private static int Count(string table) => table.Length;

    private static (int missing, int changed) Compare(int count) => (count, 1);

    [Fact]
    public void AnInvalidFunctionIsRefusedWhereItIsGiven()
    {
        Says("A stage of the data flow is empty. Give it at least one function.", () => DataFlow.From());
        Says("The data flow has no stages. Give at least one function.", () => DataFlow.Create([]));
        Says("A stage of the data flow is empty. Give it at least one function.", () => { DataFlow flow = [[Count], []]; });
        var length = (Func<string, int>)Delegate.CreateDelegate(typeof(Func<string, int>), typeof(string).GetMethod("get_Length")!);
        Says("get_Length is a delegate that takes the object of an instance method as its first argument, which has no name. Give a lambda "
            + "with typed parameters.", () => DataFlow.From(length));
        Says("Null is not a function. Give methods, lambdas or data flows.", () => DataFlow.From(Count, null!));
        Says("Out takes n by reference (out). Values are passed on by name: take it by value, and return what is to be passed on.",
            () => DataFlow.From((TakesOut)Out));
        Says("Buffer takes bytes as Span<byte>, which cannot be kept until it is called. Take an array or a Memory<T>.",
            () => DataFlow.From(Buffer));
#pragma warning disable SLU002 // that is what is refused
        Says("NobodyWaits is async void: it cannot be awaited, and its failure would be lost. Return Task.",
            () => DataFlow.From(NobodyWaits));
#pragma warning restore SLU002
        Says("Half returns a tuple whose member 2 has no name, and others have. Values are passed on by name: name all of them.",
            () => DataFlow.From(Half).Check());
        Action two = Nothing;
        two += Nothing;
        Says("Nothing is 2 functions in one delegate. Give them one by one.", () => DataFlow.From(two));
        var lambda = Assert.Throws<DataFlowException>(() => DataFlow.From((int n) => n + 1));
        Assert.StartsWith("A lambda has no name that a person could read (<", lambda.Message, StringComparison.Ordinal);
        Assert.EndsWith("Give it one: DataFlow.Function(…).Named(\"…\").", lambda.Message, StringComparison.Ordinal);
        Says("Count cannot rename an input. There is no parameter \"tabl\". Near it: table.",
            () => DataFlow.Function(Count).RenameInput("tabl", "x"));
        Says("Count cannot rename an output. There is no value \"counts\". Near it: count.",
            () => DataFlow.Function(Count).RenameOutput("counts", "x"));
        Says("Count gives something that would be missing if it failed: only functions that return nothing can be optional. Give it a "
            + "Fallback.", () => DataFlow.Function(Count).Optional());
        // Also if the function gets its name afterwards.
        Says("s2 cannot rename an output. There is no value \"count\". There are: s2.",
            () => DataFlow.From(DataFlow.Function(Count).RenameOutput("count", "rows").Named("s2")));
        Says("three cannot rename an output. There is no value \"typo\". There are: three.",
            () => { DataFlowStage stage = [DataFlow.Function(() => 3).RenameOutput("typo", "x").Named("three")]; });
        DataFlow.From(DataFlow.Function(() => 3).RenameOutput("three", "x").Named("three"),
            DataFlow.Function(Count).Named("s2").RenameOutput("s2", "rows")).Check(new { table = "" });
        Says("Nested returns a Task<int> within Task<Task<int>>, which would not be awaited, and its failure would be lost. Let it "
            + "return one task: await the other in it.", () => DataFlow.From(Nested));
        Says("Count returns int, and its fallback is of type string. Let both have one type.",
            () => DataFlow.Function(Count).Fallback("none"));
        Says("Nothing returns nothing, so there is nothing to take its place: let it be Optional.",
            () => DataFlow.Function(Nothing).Fallback(1));
        Says("load has two implementations for \"a\".", () => DataFlow.Dispatch("load", "kind", ("a", Count), ("a", Count)));
        Says("load has an implementation whose key is null. Give each a text as its key.",
            () => DataFlow.Dispatch("load", "kind", (null!, Count), ("a", Count)));
        Says("load has an implementation whose key is null. Give each a text as its key.", () => DataFlow.Dispatch("load", (null!, Count)));
        Says("The implementations of load give different things: int for \"a\", (int, int) for \"b\". Let them return one type.",
            () => DataFlow.Dispatch("load", "kind", ("a", Count), ("b", Compare)));

        static void Out(out int n) => n = 1;
        static void Buffer(Span<byte> bytes) => bytes.Clear();
        static async void NobodyWaits() => await Task.Yield();
        static (int a, int) Half() => (1, 2);
        static void Nothing() { }
        static Task<Task<int>> Nested() => Task.FromResult(Task.FromResult(1));
    }

    [Fact]
    public void AMissingValueIsNamedWithTheAvailableValues()
    {
        static void Notify(int mising, int changed) { }
        static void Late(string table, int changed) { }
        Says("Notify takes mising (int), and nothing gives it. There are: missing (Compare), changed (Compare). Near it: missing.",
            () => (DataFlow.From(Count) | Compare | Notify).Check());
        Says("Late takes table (string), and nothing gives it. There are: missing (Compare), changed (Compare). parameters gave it, and "
            + "it cannot be seen any more: Visibility says what later stages see.",
            () => (DataFlow.From(Count) | Compare | Late).Check(new { table = "orders" }));
        (DataFlow.From(Count) | Compare | Late).With(DataFlowVisibility.Initial).Check(new { table = "orders" });
        Says("Count takes table (string), and nothing gives it. There are: tables (parameters), other (parameters). Near it: tables.",
            () => DataFlow.From(Count).Check(new { tables = "a", other = 1 }));
        // All of them at once.
        var problems = Assert.Throws<DataFlowException>(() => (DataFlow.From(Count) | Compare | (Notify, Late)).Check(new { table = "" }));
        Assert.Equal(2, problems.Problems.Count);
        Assert.StartsWith("The data flow has 2 problems:\n- Notify takes", problems.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ATypeMismatchNamesBothTypes()
    {
        static void Long(long count) { }
        static void Exact(int maybe) { }
        static int? Maybe() => 1;
        static void Nullable(int? count) { }
        static void Derived(List<int> list) { }
        static IReadOnlyList<int> GetList() => [];
        Says("Long takes count as long, and Count gives count as int. Let both have one type, or convert it in between.",
            () => (DataFlow.From(Count) | Long).Check());
        Says("Exact takes maybe as int, and Maybe gives maybe as int?. Let both have one type, or convert it in between.",
            () => (DataFlow.From(Maybe) | Exact).Check());
        Says("Derived takes getList as List<int>, and GetList gives getList as IReadOnlyList<int>. Let both have one type, or convert it "
            + "in between.",
            () => (DataFlow.From(GetList) | DataFlow.Function(Derived).RenameInput("list", "getList")).Check());
        Says("Count takes table as string, and the parameters give table as int. Let both have one type, or convert it in between.",
            () => DataFlow.From(Count).Check(new { table = 1 }));
        Says("Exact takes maybe as int, and the parameters give maybe as null. Let both have one type, or convert it in between.",
            () => DataFlow.From(Exact).Check(new Dictionary<string, object?> { ["maybe"] = null }));
        (DataFlow.From(Count) | Nullable).Check();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AMistakeThatOnlyARunCanShowFailsTheRun(bool reflected)
    {
        static Dictionary<string, object> Open(string table) => new() { ["missing"] = table };
        static int Use(int missing) => missing;
        static int UseOther(int missin, int other) => missin;
        static object Hidden() => Task.FromResult(1);
        static object Twice() => new Dictionary<string, int> { ["a"] = 1, ["A"] = 2 };
        await SaysAsync("Use takes missing as int, and there is one of type string. Let both have one type, or convert it in between.",
            DataFlow.From(Open) | Use, new { table = "x" });
        await SaysAsync("UseOther takes missin (int), and nothing gives it. There are: missing (Open). Near it: missing.",
            DataFlow.From(Open) | UseOther, new { table = "x" });
        await SaysAsync(
            "Hidden returned a Task<int> as an object: it would not be awaited, and its failure would be lost. Let Hidden say that it "
                + "returns a task, or await it.", DataFlow.From(Hidden), null);
        static int Optional(string? table) => table?.Length ?? -1;
        await SaysAsync("Count takes table, and the parameters of the flow give null. Give it a value. If it may be missing, let the "
            + "function take string?.", DataFlow.From(Count), new { table = (string?)null });
        Assert.Equal(-1, (await DataFlow.From(Optional).RunAsync(new { table = (string?)null }, Cancellation)).Get<int>("optional"));
        await SaysAsync("Twice gives \"A\" twice: names are the same whatever their case.", DataFlow.From(Twice), null);

        async Task SaysAsync(string message, DataFlow flow, object? parameters)
            => Assert.Equal(message, (await Assert.ThrowsAsync<DataFlowException>(async () => await (reflected ? flow.Reflected()
            : flow).RunAsync(parameters, Cancellation))).Message);
    }

    [Fact]
    public async Task UnnamedParametersAndUnknownResultsAreRefused()
    {
        var flow = DataFlow.From(Count);
        Says("Parameters are given by name, and string has none. Give new { name = value }, a record, or a dictionary.",
            () => flow.Check("orders"));
        Says("Parameters are given by name, and (int, int) has none when it is called. Give new { name = value }, a record, or a "
            + "dictionary.", () => flow.Check((a: 1, b: 2)));
        Says("The parameters give \"table\" twice: names are the same whatever their case.",
            () => flow.Check(new { table = "", Table = "" }));
        DataFlowResult result = await flow.RunAsync(new { table = "abc" }, Cancellation);
        Assert.Equal("There is no value \"coun\". Near it: count.",
            Assert.Throws<KeyNotFoundException>(() => result.Get<int>("coun")).Message);
        Assert.Equal("The value \"count\" is int, not string.",
            Assert.Throws<InvalidCastException>(() => result.Get<string>("count")).Message);
        Assert.Equal((true, false), (result.Has("COUNT"), result.Has("table")));
    }

    private static void Says(string message, Action act) => Assert.Equal(message, Assert.Throws<DataFlowException>(act).Message);
}
