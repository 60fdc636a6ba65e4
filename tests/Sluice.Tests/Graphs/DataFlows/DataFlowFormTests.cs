using Sluice.Graphs;

namespace Sluice.Tests.Graphs;

/// <summary>Parameter dictionaries with many sets of keys, names that only a run knows, and params.</summary>
public class DataFlowFormTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static string Add(int a, int b = 10, string? text = null) => $"{a + b}{text}";

    private static int Sum(string name, params int[] rest) => name.Length + rest.Sum();

    [Theory]
    [InlineData(DataFlowVisibility.Stage)]
    [InlineData(DataFlowVisibility.Initial)]
    [InlineData(DataFlowVisibility.All)]
    public async Task ParameterDictionariesMayHaveAnySetOfKeys(DataFlowVisibility visibility)
    {
        foreach (bool isReflected in new[] { false, true })
        {
            DataFlow flow = (DataFlow.From(Add) | DataFlow.Function((string add) => add + "!").Named("loud")).With(visibility);
            if (isReflected) flow = flow.Reflected();
            for (int form = 0; form < 200; form++)
            {
                Dictionary<string, object?> parameters = form % 2 == 0 ? new() { ["a"] = form, [$"extra{form}"] = form }
                    : new() { [$"extra{form}"] = null, ["A"] = form };
                if (form % 3 == 0) parameters["b"] = 1;
                if (form % 5 == 0) parameters["text"] = form % 2 == 0 ? "x" : null;
                DataFlowResult result = await flow.RunAsync(form % 7 == 0 ? parameters.ToList() : parameters, Cancellation);
                string expected = Add(form, form % 3 == 0 ? 1 : 10, form % 10 == 0 ? "x" : null) + "!";
                Assert.Equal(expected, result.Get<string>("loud"));
                if (visibility != DataFlowVisibility.Stage) Assert.Equal(form % 2 == 0 ? form : null, result.Get<object?>($"extra{form}"));
            }
        }
    }

    [Theory]
    [InlineData(DataFlowVisibility.Stage)]
    [InlineData(DataFlowVisibility.Initial)]
    [InlineData(DataFlowVisibility.All)]
    public async Task AFlowMayHaveThousandsOfStages(DataFlowVisibility visibility)
    {
        const int count = 3_000;
        DataFlow flow = DataFlow.From(DataFlow.Function((int x) => x + 1).Named("x"));
        for (int i = 1; i < count; i++) flow |= DataFlow.Function((int x) => x + 1).Named("x");
        flow = flow.With(visibility);
        Assert.Equal(count, (await flow.RunAsync(new { x = 0 }, Cancellation)).Get<int>("x"));
        DataFlow broken = (flow | DataFlow.Function((int missing, int other) => missing + other).Named("last")).With(visibility);
        Assert.Contains("last takes missing", Assert.Throws<DataFlowException>(() => broken.Check(new { x = 0, y = 0 })).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task ABindingErrorIsFoundBeforeAnyFunctionIsCalled()
    {
        int calls = 0;
        DataFlow flow = DataFlow.From(DataFlow.Function(() => calls++).Named("first"), Add);
        for (int form = 0; form < 40; form++)
        {
            await flow.RunAsync(new Dictionary<string, object?> { ["a"] = form, [$"extra{form}"] = form }, Cancellation);
            calls = 0;
            var missing = await Assert.ThrowsAsync<DataFlowException>(async () =>
                await flow.RunAsync(new Dictionary<string, object?> { ["c"] = form, [$"extra{form}"] = form }, Cancellation));
            Assert.StartsWith("Add takes a (int), and nothing gives it. There are: c (parameters)", missing.Message,
                StringComparison.Ordinal);
            var wrong = await Assert.ThrowsAsync<DataFlowException>(async () =>
                await flow.RunAsync(new Dictionary<string, object?> { ["a"] = 5L, [$"extra{form}"] = form }, Cancellation));
            Assert.StartsWith("Add takes a as int, and the parameters give a as long.", wrong.Message, StringComparison.Ordinal);
            Assert.Equal(0, calls);
        }
    }

    [Fact]
    public async Task RenamingAnOutputThatADictionaryLacksFails()
    {
        DataFlow flow = DataFlow.From(DataFlow.Function((bool has) => has ? new Dictionary<string, int> { ["rows"] = 1 }
            : new Dictionary<string, int> { ["row"] = 1 }).Named("count").RenameOutput("rows", "all"));
        Assert.Equal(1, (await flow.RunAsync(new { has = true }, Cancellation)).Get<int>("all"));
        var failure = await Assert.ThrowsAsync<DataFlowException>(async () => await flow.RunAsync(new { has = false }, Cancellation));
        Assert.StartsWith("count cannot rename an output.", failure.Message, StringComparison.Ordinal);
        Assert.Contains("rows", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AParamsArrayMayBeLeftOut()
    {
        Assert.Equal(2, (await DataFlow.From(Sum).RunAsync(new { name = "ab" }, Cancellation)).Get<int>("sum"));
        Assert.Equal(2, (await DataFlow.From(Sum).Reflected().RunAsync(new { name = "ab" }, Cancellation)).Get<int>("sum"));
        Assert.Equal(5, (await DataFlow.From(Sum).RunAsync(new { name = "ab", rest = new[] { 1, 2 } }, Cancellation)).Get<int>("sum"));
    }

    /// <summary>As the compiler does at a call: each call gets a new mutable collection.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AParamsCollectionMayBeLeftOut(bool isReflected)
    {
        static int OfList(params List<int> rest) => Add(rest);
        static int OfIList(params IList<int> rest) => Add(rest);
        static int OfSequence(params IEnumerable<int> rest) => rest.Count();
        static int OfReadOnly(params IReadOnlyList<string> rest) => rest.Count;
        static int OfSet(params HashSet<int> rest) => Add(rest);
        static int Add(ICollection<int> all)
        {
            all.Add(1);
            return all.Count;
        }
        DataFlow flow = DataFlow.From(OfList, OfIList, OfSequence, OfReadOnly, OfSet);
        if (isReflected) flow = flow.Reflected();
        for (int i = 0; i < 3; i++)
        {
            DataFlowResult result = await flow.RunAsync(null, Cancellation);
            Assert.Equal("1 1 0 0 1", string.Join(' ', result.Values.Values));
        }
        Assert.Equal(3, (await DataFlow.From(OfList).RunAsync(new { rest = new List<int> { 1, 2 } }, Cancellation)).Get<int>("ofList"));
    }
}
