using System.Collections;
using System.Dynamic;
using System.Text.Json.Nodes;
using Sluice.Graphs;

namespace Sluice.Tests.Graphs.DataFlows;

public class DataFlowBindingTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<bool> Both => [false, true];

    [Theory]
    [MemberData(nameof(Both))]
    public async Task EveryKindOfResultGivesItsValuesByName(bool reflected)
    {
        static Order Record() => new(7, "ann");
        static Spot? Struct() => new Spot(1.5);
        static async ValueTask<(int t1, int t2, int t3, int t4, int t5, int t6, int t7, string T8)> TupleAsync()
        {
            await Task.Yield();
            return (1, 2, 3, 4, 5, 6, 7, "eight");
        }
        static Dictionary<string, object?> Dictionary() => new() { ["First"] = 1L, ["none"] = null };
        static async Task<object> AnonymousAsync()
        {
            await Task.Yield();
            return new { Anything = 'c' };
        }
        static int[] GetArray() => [1, 2];
        static (int, int) Pair() => (8, 9);
        static ValueTask VoidAsync() => default;
        static string All(int id, string customer, double x, int t1, string t8, long first, object? none, char anything,
            IEnumerable getArray, (int, int) pair, int? left = 5, DayOfWeek day = DayOfWeek.Friday)
            => $"{id} {customer} {x} {t1} {t8} {first} {none ?? "null"} {anything} {getArray.Cast<int>().Sum()} {pair} {left} {day}";

        DataFlow flow = DataFlow.From(Record, Struct, TupleAsync, Dictionary, AnonymousAsync, GetArray, Pair, VoidAsync,
            DataFlow.Function(() => new { left = 3 }).Named("lambda")) | All;
        DataFlowResult result = await (reflected ? flow.Reflected() : flow).RunAsync(null, Cancellation);
        Assert.Equal("7 ann 1.5 1 eight 1 null c 3 (8, 9) 3 Friday", result.Get<string>("all"));
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task OnlyADictionaryWithStringKeysIsTakenApart(bool reflected)
    {
        static Dictionary<int, string> Load(int n) => Enumerable.Range(0, n).ToDictionary(i => i, _ => "x");
        static object LoadAny(int n) => Load(n);
        static JsonObject Json() => new() { ["inJson"] = 1 };
        static IReadOnlyDictionary<string, int> Own() => new OwnDictionary();
        static ExpandoObject Expando() => (ExpandoObject)(dynamic)new ExpandoObject();
        static object Table() => new Hashtable { ["inTable"] = 1 };
        static string All(Dictionary<int, string> load, Dictionary<int, string> loadAny, JsonNode inJson, int own, int inTable)
            => $"{load.Count} {loadAny.Count} {inJson} {own} {inTable}";
        DataFlow flow = DataFlow.From(Load, LoadAny, Json, Own, Expando, Table) | All;
        if (reflected) flow = flow.Reflected();
        Assert.Equal("0 0 1 7 1", (await flow.RunAsync(new { n = 0 }, Cancellation)).Get<string>("all"));
        Assert.Equal("2 2 1 7 1", (await flow.RunAsync(new OwnDictionary("n", 2), Cancellation)).Get<string>("all"));
        Assert.Equal(
            "Parameters are given by name, and Dictionary<int, string> has none. Give new { name = value }, a record, or a dictionary.",
            Assert.Throws<DataFlowException>(() => flow.Check(new Dictionary<int, string>())).Message);
        // The check finds the type mismatch before anything runs.
        static void Wrong(string load) { }
        Assert.Equal(
            "Wrong takes load as string, and Load gives load as Dictionary<int, string>. Let both have one type, or convert it in between.",
            Assert.Throws<DataFlowException>(() => (DataFlow.From(Load) | Wrong).Check()).Message);
    }

    /// <summary>It is what a person writes who has no parameters to give.</summary>
    [Theory]
    [MemberData(nameof(Both))]
    public async Task AnAnonymousObjectWithoutPropertiesGivesNoParameters(bool reflected)
    {
        static int One() => 1;
        static int Increase(int one, int by = 1) => one + by;
        DataFlow flow = (DataFlow.From(One) | Increase).With(DataFlowVisibility.Initial);
        if (reflected) flow = flow.Reflected();
        flow.Check(new { });
        for (int i = 0; i < 2; i++) Assert.Equal(2, (await flow.RunAsync(new { }, Cancellation)).Get<int>("increase"));
        Assert.Equal(6, (await flow.RunAsync(new { by = 5 }, Cancellation)).Get<int>("increase"));
        static void Needs(string path) { }
        Assert.Equal(Assert.Throws<DataFlowException>(() => DataFlow.From(Needs).Check(new Dictionary<string, int>())).Message,
            Assert.Throws<DataFlowException>(() => DataFlow.From(Needs).Check(new { })).Message);
        Assert.StartsWith("Parameters are given by name, and object has none.", Assert.Throws<DataFlowException>(
            () => flow.Check(new object())).Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task AMemberThatHidesABaseMemberIsUsed(bool reflected)
    {
        static Derived Make() => new("s");
        static string Use(string data) => data;
        DataFlow flow = DataFlow.From(Make) | Use;
        Assert.Equal("s", (await (reflected ? flow.Reflected() : flow).RunAsync(null, Cancellation)).Get<string>("use"));
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task ANullRecordGivesNoValues(bool reflected)
    {
        static Order? Find(int wanted) => wanted == 7 ? new(7, "ann") : null;
        static string Show(string customer = "nobody") => customer;
        static string Need(string customer) => customer;
        DataFlow flow = DataFlow.From(Find);
        if (reflected) flow = flow.Reflected();
        Assert.Equal("ann", (await (flow | Show).RunAsync(new { wanted = 7 }, Cancellation)).Get<string>("show"));
        Assert.Equal("nobody", (await (flow | Show).RunAsync(new { wanted = 8 }, Cancellation)).Get<string>("show"));
        Assert.Empty((await flow.RunAsync(new { wanted = 8 }, Cancellation)).Names);
        var failure = await Assert.ThrowsAsync<DataFlowException>(async () => await (flow | Need).RunAsync(new { wanted = 8 },
            Cancellation));
        Assert.Equal("Need takes customer (string), and nothing gives it. There is nothing to take.", failure.Message);
        // The parameter of the same name is used instead.
        Assert.Equal("bob", (await (flow | Need).With(DataFlowVisibility.All)
            .RunAsync(new { wanted = 8, customer = "bob" }, Cancellation)).Get<string>("need"));
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task VisibilityDecidesWhichValuesLaterStagesSee(bool reflected)
    {
        static int A(int n) => n + 1;
        static int B(int a) => a + 10;
        static string C(int b, int a = -1, int n = -1) => $"{b} {a} {n}";
        static void Nothing() { }
        DataFlow flow = DataFlow.From(A) | B | Nothing | C;
        if (reflected) flow = flow.Reflected();

        Assert.Equal(("15 -1 -1", "c"), await Run(flow));
        Assert.Equal(("15 -1 4", "n c"), await Run(flow.With(DataFlowVisibility.Initial)));
        Assert.Equal(("15 5 4", "n a b c"), await Run(flow.With(DataFlowVisibility.All)));
        Assert.Equal(("15 5 -1", "c"), await Run((DataFlow.From(Nothing)
            | DataFlow.From((DataFlow.From(A) | B).With(DataFlowVisibility.All)) | C)));
        Assert.Equal(4, (await DataFlow.From(Nothing).RunAsync(new { n = 4 }, Cancellation)).Get<int>("n"));

        async Task<(string, string)> Run(DataFlow one)
        {
            DataFlowResult result = await one.RunAsync(new { n = 4 }, Cancellation);
            return (result.Get<string>("c"), string.Join(" ", result.Names));
        }
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task ASingleValueBindsToASingleParameterOfAnyName(bool reflected)
    {
        static int Make(int n) => n * 2;
        static object Open(int n) => new { Odd = n };
        static string Show(int value, string format = "0") => value.ToString(format, System.Globalization.CultureInfo.InvariantCulture);
        foreach (Delegate first in new Delegate[] { Make, Open })
        {
            DataFlow flow = DataFlow.From(first) | Show;
            if (reflected) flow = flow.Reflected();
            Assert.Equal(first.Method.Name.Contains("Make", StringComparison.Ordinal) ? "8" : "4",
                (await flow.RunAsync(new { count = 4 }, Cancellation)).Get<string>("show"));
        }
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task AValueOfAnotherParameterIsNotTakenAlsoIfADictionaryGivesIt(bool reflected)
    {
        static Dictionary<string, object?> Give(string key) => new() { [key] = "#ops" };
        static string Send(string message, string channel = "#data") => $"{message} to {channel}";
        DataFlow flow = DataFlow.From(Give) | Send;
        if (reflected) flow = flow.Reflected();
        foreach (string key in (string[])["channel", "Channel"])
        {
            var missing = await Assert.ThrowsAsync<DataFlowException>(async () => await flow.RunAsync(new { key }, Cancellation));
            Assert.Equal($"Send takes message (string), and nothing gives it. There are: {key} (Give).", missing.Message);
        }
        Assert.Equal("#ops to #data", (await flow.RunAsync(new { key = "text" }, Cancellation)).Get<string>("send"));
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task OnlyDifferentValuesOfOneNameAreAConflict(bool reflected)
    {
        static (int rows, int left) Left(int a) => (a, 1);
        static (int rows, int right) Right(int b) => (b, 2);
        static Dictionary<string, int> Open(int b) => new() { ["ROWS"] = b };
        static int Sum(int rows) => rows;
        foreach (Delegate other in new Delegate[] { Right, Open })
        {
            DataFlow flow = DataFlow.From(Left, other) | Sum;
            if (reflected) flow = flow.Reflected();
            Assert.Equal(5, (await flow.RunAsync(new { a = 5, b = 5 }, Cancellation)).Get<int>("sum"));
            var conflict = await Assert.ThrowsAsync<MergeConflictException>(async () => await flow.RunAsync(new { a = 5, b = 6 },
                Cancellation));
            string name = other.Method.Name.Contains("Right", StringComparison.Ordinal) ? "Right" : "Open";
            Assert.Equal(("rows", "Left", name), (conflict.Key.ToLowerInvariant(), conflict.First, conflict.Second));
            Assert.Equal(
                $"The functions Left and {name} run side by side and both gave \"{conflict.Key}\", with different values. Let one of them "
                    + $"give it another name: RenameOutput.", conflict.Message);
            // Also at the end of a flow, where no function takes the value.
            await Assert.ThrowsAsync<MergeConflictException>(async () => await DataFlow.From(Left, other)
                .RunAsync(new { a = 5, b = 6 }, Cancellation));
        }
        DataFlowResult renamed = await DataFlow.From(Left, DataFlow.Function(Right).RenameInput("b", "a").RenameOutput("rows", "others"))
            .RunAsync(new { a = 5 }, Cancellation);
        Assert.Equal("rows left others right", string.Join(" ", renamed.Names));
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task ARecordMayBePassedAsOneValue(bool reflected)
    {
        static Order Load() => new(7, "ann");
        static string Save(Order order) => order.Customer;
        DataFlow flow = DataFlow.From(DataFlow.Function(Load).AsValue("order")) | Save;
        Assert.Equal("ann", (await (reflected ? flow.Reflected() : flow).RunAsync(null, Cancellation)).Get<string>("save"));
    }

    [Fact]
    public async Task ParametersMayBeARecordADictionaryOrAnObject()
    {
        static string Show(int id, string? customer) => $"{id} {customer}";
        var flow = DataFlow.From(Show);
        Assert.Equal("7 ann", (await flow.RunAsync(new Order(7, "ann"), Cancellation)).Get<string>("show"));
        Assert.Equal("8 ", (await flow.RunAsync(new Dictionary<string, object?> { ["ID"] = 8, ["customer"] = null },
            Cancellation)).Get<string>("show"));
        Assert.Equal("9 bob", (await flow.RunAsync(new Hashtable { ["id"] = 9, ["customer"] = "bob" }, Cancellation)).Get<string>("show"));
        Assert.Equal("1 x", (await flow.RunAsync(new { Customer = "x", extra = 1, Id = 1 }, Cancellation)).Get<string>("show"));
        object untyped = 3;
        Assert.Equal("3 y", (await flow.RunAsync(new { id = untyped, customer = "y" }, Cancellation)).Get<string>("show"));
    }

    private sealed record Order(int Id, string Customer);

    private readonly record struct Spot(double X);

    private record Base
    {
        public object? Data { get; init; }
    }

    private sealed record Derived : Base
    {
        public Derived(string data) => Data = data;

        public new string Data { get; init; }
    }

    private sealed class OwnDictionary(string key = "own", int value = 7) : IReadOnlyDictionary<string, int>
    {
        public int Count => 1;

        public IEnumerable<string> Keys => [key];

        public IEnumerable<int> Values => [value];

        public int this[string wanted] => value;

        public bool ContainsKey(string wanted) => wanted == key;

        public bool TryGetValue(string wanted, out int found)
        {
            found = value;
            return wanted == key;
        }

        public IEnumerator<KeyValuePair<string, int>> GetEnumerator()
        {
            yield return new(key, value);
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
