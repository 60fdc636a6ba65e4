using System.Runtime.CompilerServices;

namespace Sluice.Tests.Producers;

/// <summary>The consecutor stops while a tick gives its items.</summary>
public sealed class EndedTickTests : IAsyncDisposable
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly TickLab lab = new();

    public ValueTask DisposeAsync() => lab.DisposeAsync();

    /// <remarks>Formerly the tick was stored as over, and the rest of its items never came.</remarks>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ATickWhoseFunctionEndsAtItsTokenGoesOnAtTheNextStart(bool isCancelled)
    {
        var isThere = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        TickLab.Life life = lab.Begin(Source.Every("clock", 10 * Minute, (tick, token) => Items(tick, 3, token)));
        await life.PassAsync(11 * Minute, isThere.Task);
        if (isCancelled)
        {
            await life.Run.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => life.Run.Completion);
        }
        else await life.StopAsync();
        life = lab.Begin(Source.Every("clock", 10 * Minute, (tick, token) => Items(tick, int.MaxValue, token)));
        await life.PassAsync(Minute);
        await life.StopAsync();
        Assert.Equal(["00:10:00 0", "00:10:00 1", "00:10:00 2", "00:10:00 3", "00:10:00 4"], await lab.AcceptedAsync());

        async IAsyncEnumerable<string> Items(Tick tick, int waitsAt, [EnumeratorCancellation] CancellationToken token)
        {
            for (int n = 0; n < 5; n++)
            {
                if (n == waitsAt)
                {
                    isThere.TrySetResult();
                    await Task.Delay(Timeout.InfiniteTimeSpan, token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    yield break;
                }
                yield return $"{TickLab.Text(tick.Time)} {n}";
            }
        }
    }

    /// <summary>An item waits until the function says whether another follows. With missed ticks skipped, the tick of an item that is
    /// dropped would never fire again.</summary>
    [Theory]
    [InlineData("obeys")]
    [InlineData("ignores")]
    [InlineData("blocks")]
    [InlineData("goes on")]
    public async Task AnItemThatWaitsForTheNextOneIsAcceptedWhateverTheFunctionDoesAtItsToken(string kind)
    {
        var isThere = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var never = new TaskCompletionSource();
        using var goOn = new ManualResetEventSlim();
        int calls = 0;
        Source<string> source = Source.Every("clock", 10 * Minute, (tick, token) => Items(tick, ++calls == 1, token));
        TickLab.Life life = lab.Begin(source);
        await life.PassAsync(11 * Minute, isThere.Task);
        Task<bool> stopped = life.Run.StopAsync();
        while (!stopped.IsCompleted)
        {
            lab.Pass(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        Assert.True(await stopped);
        await life.StopAsync();
        life = lab.Begin(source);
        await life.PassAsync(Minute);
        await life.StopAsync();
        Assert.Equal(["00:10:00 0", "00:10:00 1"], (await lab.AcceptedAsync()).Take(2));          // later ticks may have fired
        goOn.Set();
        never.SetResult();

        async IAsyncEnumerable<string> Items(Tick tick, bool waits, [EnumeratorCancellation] CancellationToken token)
        {
            yield return $"{TickLab.Text(tick.Time)} 0";
            if (waits)
            {
                isThere.TrySetResult();
                if (kind == "blocks") goOn.Wait(CancellationToken.None);
                else if (kind == "ignores") await never.Task;
                else await Task.Delay(Timeout.InfiniteTimeSpan, token).ConfigureAwait(
                    kind == "obeys" ? ConfigureAwaitOptions.None : ConfigureAwaitOptions.SuppressThrowing);
            }
            yield return $"{TickLab.Text(tick.Time)} 1";
        }
    }
}
