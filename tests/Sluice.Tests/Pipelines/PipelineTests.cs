namespace Sluice.Tests.Pipelines;

public class PipelineTests
{
    private static IEnumerable<int> Twice(int n) => [n, n];

    private static async Task<int> AddOneAsync(int n, CancellationToken cancellation)
    {
        await Task.Yield();
        return n + 1;
    }

    [Theory]
    [InlineData(ExecutionMode.SingleThread)]
    [InlineData(ExecutionMode.MultiThread)]
    public async Task APipelineOfFunctionsRunsInOrder(ExecutionMode mode)
    {
        List<int> seen = [];
        Pipeline pipeline = Source.From(Enumerable.Range(0, 1000))
            | Twice
            | AddOneAsync | Stage.Parallel(4)
            | (n => n * 2)
            | seen.Add;
        await pipeline.RunAsync(new RunOptions { Mode = mode });
        Assert.Equal(Enumerable.Range(0, 1000).SelectMany(n => new[] { (n + 1) * 2, (n + 1) * 2 }), seen);
    }

    [Theory]
    [InlineData(ExecutionMode.SingleThread)]
    [InlineData(ExecutionMode.MultiThread)]
    public async Task SinksInBracketsEachGetEveryItem(ExecutionMode mode)
    {
        List<int> first = [], second = [];
        async Task ToSecondAsync(int n)
        {
            await Task.Yield();
            second.Add(n);
        }
        Pipeline pipeline = Source.From(Enumerable.Range(0, 100)) | [first.Add, ToSecondAsync];
        await pipeline.RunAsync(new RunOptions { Mode = mode });
        Assert.Equal(Enumerable.Range(0, 100), first);
        Assert.Equal(first, second);
    }

    [Theory]
    [InlineData(ExecutionMode.SingleThread)]
    [InlineData(ExecutionMode.MultiThread)]
    public async Task AFailureNamesNodeAndItem(ExecutionMode mode)
    {
        static int Fragile(int n) => n == 7 ? throw new FormatException("seven") : n;
        Pipeline pipeline = Source.From(Enumerable.Range(0, 100)) | Fragile | (_ => { });
        var failure = await Assert.ThrowsAsync<PipelineException>(() => pipeline.RunAsync(new RunOptions { Mode = mode }));
        Assert.Equal("Fragile", failure.Node);
        Assert.Equal(7, failure.Item);
        Assert.Equal("'Fragile' failed on item 7: seven", failure.Message);
    }

    [Fact]
    public async Task TheBracketFormMergesBranches()
    {
        List<int> seen = [];
        var evens = Pipe.Of<int>() | (n => n * 10);
        var odds = Pipe.Of<int>() | (n => n + 1);
        Pipeline pipeline = (Source.From([1, 2, 3]) < [evens, odds] > (n => -n)) | seen.Add;
        await pipeline.RunAsync(new RunOptions { Mode = ExecutionMode.SingleThread });
        Assert.Equal([-10, -2, -20, -3, -30, -4], seen);
    }
}
