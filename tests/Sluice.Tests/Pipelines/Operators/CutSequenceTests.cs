using System.Runtime.CompilerServices;
using Sluice.Diagnostics;
using Sluice.Tests.Engine;

namespace Sluice.Tests.Pipelines.Operators;

/// <summary>How the sequence of a one-to-many stage may answer its cancelled token, when a stage further down has enough.</summary>
public sealed class CutSequenceTests
{
    private const int Items = 5;

    public static TheoryData<SilentSequenceTests.Wait> Waits => [.. Enum.GetValues<SilentSequenceTests.Wait>()];

    /// <summary>The sequence is cut where it has put out an item, so its disposal is the first to use the cancelled token.</summary>
    [Theory, MemberData(nameof(Waits))]
    public Task ItsDisposalMayUseTheToken(SilentSequenceTests.Wait wait)
    {
        var waits = new TaskCompletionSource();
        return EndsWellAsync(ClosingAsync, waits.Task, "many", wait);

        async IAsyncEnumerable<int> ClosingAsync(int item, [EnumeratorCancellation] CancellationToken cancellation)
        {
            try
            {
                for (int i = 0; i < Items; i++) yield return item;
                if (item == 1) yield break;
                var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                await using CancellationTokenRegistration _ = cancellation.Register(cancelled.SetResult);
                waits.SetResult();
                await cancelled.Task;
                yield return item;
            }
            finally
            {
                await Task.Yield();
                cancellation.ThrowIfCancellationRequested();
            }
        }
    }

    [Theory]
    [InlineData(ExecutionMode.SingleThread)]
    [InlineData(ExecutionMode.MultiThread)]
    public async Task ItsDisposalMayUseTheTokenWhereATakeFollowsAtOnce(ExecutionMode mode)
    {
        List<int> seen = [];
        RunSnapshot end = await (Source.Of(1).SelectManyAsync(EndlessAsync) | Stage.Named("many"))
            .Take(Items).ForEach(seen.Add).RunAsync(new RunOptions { Mode = mode }).WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal((Items, 0L), (seen.Count, end["many"].Failed));

        static async IAsyncEnumerable<int> EndlessAsync(int item, [EnumeratorCancellation] CancellationToken cancellation)
        {
            try
            {
                while (!cancellation.IsCancellationRequested) yield return item;
            }
            finally
            {
                await Task.Delay(1, cancellation);
            }
        }
    }

    [Theory, MemberData(nameof(Waits))]
    public async Task AnAnswerThatIsNoCancellationIsAWarning(SilentSequenceTests.Wait wait)
    {
        string name = $"aborted {wait}";
        var waits = new TaskCompletionSource();
        using var listener = new WarningListener();
        await EndsWellAsync(AbortedAsync, waits.Task, name, wait);
        Assert.Single(listener.Texts, text => text.StartsWith($"'{name}' has cancelled its sequence", StringComparison.Ordinal)
            && text.Contains("IOException: Operation aborted", StringComparison.Ordinal));

        async IAsyncEnumerable<int> AbortedAsync(int item, [EnumeratorCancellation] CancellationToken cancellation)
        {
            for (int i = 0; i < Items; i++) yield return item;
            if (item == 1) yield break;
            var aborted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using CancellationTokenRegistration _
                = cancellation.Register(() => aborted.SetException(new IOException("Operation aborted")));
            waits.SetResult();
            await aborted.Task;
        }
    }

    [Fact]
    public async Task AnotherFailureOfItsDisposalFailsTheItem()
    {
        PipelineException failure = await Assert.ThrowsAsync<PipelineException>(()
            => Source.Of(1).SelectManyAsync(FailingAsync).Take(Items).ForEach(static _ => { }).RunAsync());
        Assert.IsType<FormatException>(failure.InnerException);

        static async IAsyncEnumerable<int> FailingAsync(int item, [EnumeratorCancellation] CancellationToken cancellation)
        {
            try
            {
                while (!cancellation.IsCancellationRequested) yield return item;
            }
            finally
            {
                await Task.Yield();
                if (cancellation.IsCancellationRequested) await Task.FromException(new FormatException());
            }
        }
    }

    /// <summary>The same for the sequence of a source.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ASourceWhoseDisposalUsesItsTokenEndsWell(bool isBuffered)
    {
        Source<int> source = Source.From(OnesAsync());
        List<int> seen = [];
        await (isBuffered ? source.Buffer(100) : source).Take(Items).ForEach(seen.Add).RunAsync();
        Assert.Equal(Enumerable.Repeat(1, Items), seen);

        static async IAsyncEnumerable<int> OnesAsync([EnumeratorCancellation] CancellationToken cancellation = default)
        {
            try
            {
                while (!cancellation.IsCancellationRequested)
                {
                    await Task.Yield();
                    yield return 1;
                }
            }
            finally
            {
                await Task.Delay(TimeSpan.FromMilliseconds(1), cancellation);
            }
        }
    }

    /// <summary>The second of two sequences is cut after it has said that it waits.</summary>
    private static async Task EndsWellAsync(
        Func<int, CancellationToken, IAsyncEnumerable<int>> many, Task waits, string name, SilentSequenceTests.Wait wait)
    {
        List<int> seen = [];
        RunSnapshot end = await (SilentSequenceTests.Many(Source.From([1, 2]), many, wait) | Stage.Named(name) | Stage.Buffer(100))
            .DoAsync(async (_, cancellation) => await waits.WaitAsync(cancellation)).Take(Items).ForEach(seen.Add)
            .RunAsync(new RunOptions { Mode = ExecutionMode.MultiThread }).WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(Enumerable.Repeat(1, Items), seen);
        Assert.Equal((0L, 0L), (end[name].Failed, end[name].Retried));
    }
}
