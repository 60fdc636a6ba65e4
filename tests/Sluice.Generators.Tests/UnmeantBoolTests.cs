namespace Sluice.Generators.Tests;

public class UnmeantBoolTests
{
    private const string Members = """
        static readonly HashSet<int> set = [];
        static readonly List<int> list = [];
        static readonly Dictionary<int, string> names = [];
        static readonly RemoteSet remote = new();
        static bool IsEven(int n) => n % 2 == 0;
        sealed class RemoteSet
        {
            public Task<bool> AddAsync(int n) => Task.FromResult(true);
            public Task<bool> ContainsAsync(int n) => Task.FromResult(true);
        }
        """;

    [Theory]
    [InlineData("_ = numbers | [|set.Add|];")]
    [InlineData("_ = numbers | (x => [|set.Add(x)|]);")]
    [InlineData("_ = numbers.Select(x => [|names.TryAdd(x, \"new\")|]);")]
    [InlineData("_ = numbers | [|list.Remove|] | (gone => gone);")]
    [InlineData("_ = numbers | (x => { Console.Write(x); return [|set.Add(x)|]; });")]
    [InlineData("_ = numbers | [|remote.AddAsync|];")]
    [InlineData("_ = numbers | (x => [|remote.AddAsync(x)|]);")]
    [InlineData("_ = numbers | (async x => await [|remote.AddAsync(x)|]);")]
    [InlineData("_ = Pipe.Of<int>() | [|set.Add|];")]
    public Task AMutatingCallUsedAsAMapIsReported(string statements) => CheckAsync(statements);

    [Theory]
    [InlineData("_ = numbers.Where(set.Add);")]
    [InlineData("_ = numbers | (x => { set.Add(x); });")]
    [InlineData("_ = numbers.Do(x => set.Add(x));")]
    [InlineData("_ = numbers | set.Contains;")]
    [InlineData("_ = numbers | remote.ContainsAsync;")]
    [InlineData("_ = numbers | IsEven;")]
    [InlineData("_ = numbers | (x => !set.Add(x));")]
    [InlineData("_ = numbers | (x => (x, set.Add(x)));")]
    [InlineData("_ = numbers | list.Add;")]
    [InlineData("_ = numbers.GroupBy(set.Add);")]
    [InlineData("_ = numbers | (x => set.SetEquals([x]));")]
    [InlineData("_ = list.Select(set.Add);")]
    public Task AQueryAFilterOrADroppedResultIsNotReported(string statements) => CheckAsync(statements);

    [Fact]
    public async Task TheMessageShowsTheSink()
    {
        var reports = await Snippet.CheckAsync<UnmeantBoolAnalyzer>(Snippet.InMethod("_ = numbers | [|set.Add|];", Members), "SLU004");
        Assert.Contains("x => { set.Add(x); }", Assert.Single(reports).GetMessage(System.Globalization.CultureInfo.InvariantCulture),
            StringComparison.Ordinal);
    }

    private static async Task CheckAsync(string statements) =>
        await Snippet.CheckAsync<UnmeantBoolAnalyzer>(Snippet.InMethod(statements, Members), "SLU004");
}
