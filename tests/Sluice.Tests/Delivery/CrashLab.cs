using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>Runs a consecutor whose process dies at random calls of the store and is started again until all items have ended. The store
/// survives.</summary>
internal sealed class CrashLab(Random random, int items)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);         // with no change
    private static readonly AsyncLocal<Tally?> OfAll = new();

    /// <summary>Of how many deaths of a process, or seeds, one is played: as many as the store says, at least four without
    /// <c>./test --long</c>. No multiple of three, as there.</summary>
    public static int Share { get; } = Environment.GetEnvironmentVariable("SLUICE_SHARE") is null
        ? Math.Max(ScenarioStore.Share, Repetitions.Of(4, all: 1)) : ScenarioStore.Share;

    public ConsecutorOptions Options { get; init; } = new()
    {
        Delivery = Sluice.DeliveryGuarantee.Replay(40, Backoff.None),
        Stream = new() { Partitions = random.Next(1, 5), MaxItems = random.Next(2) == 0 ? 1_000 : 10 },
        MaxInFlight = random.Next(1, 40),
        Run = new()
        {
            Mode = random.Next(3) == 0 ? ExecutionMode.SingleThread : ExecutionMode.MultiThread,
            MaxBufferedItems = random.Next(1, 20)
        },
    };

    /// <summary>Wraps the store of each process.</summary>
    public Func<IStreamStore, IStreamStore> Wrap { get; init; } = static store => store;

    public Func<int, string?>? Key { get; init; }

    /// <summary>Whether the input is complete when everything was sent.</summary>
    public bool IsCompleted { get; init; }

    /// <summary>The snapshot at the end.</summary>
    public ConsecutorSnapshot End { get; private set; } = null!;

    public List<DeadLetter> Letters { get; } = [];

    /// <summary>Sends the numbers from zero through a pipeline, over the lives of several processes.</summary>
    public async Task PlayAsync(Func<Source<int>, Pipeline> body, CancellationToken cancellation)
    {
        if (OfAll.Value is { } tally) tally.Plays++;
        await using var store = await ScenarioStore.OpenAsync();
        for (int life = random.Next(6); life >= 0; life--)
        {
            var mortal = new MortalStore(Wrap(store), life == 0 ? int.MaxValue : random.Next(1, 150), (Moment)random.Next(3));
            // state is evicted after each round, now and then, or never
            var memory = new StateMemory(random.Next(3) switch { 0 => 0, 1 => 1_000, _ => StateMemory.DefaultBytes });
            ConsecutorOptions options = Options with { Store = mortal, Process = new(), StateMemory = memory };
            Consecutor<int> consecutor = Key is null ? new("numbers", body, options) : new("numbers", body, options) { Key = Key };
            PipelineRun? intake = null;
            Task work = WorkAsync();
            for (string before = ""; !work.IsCompleted && !mortal.Died.IsCompleted;)
            {
                try
                {
                    await Task.WhenAny(work, mortal.Died).WaitAsync(Patience, cancellation);
                }
                catch (TimeoutException)
                {
                    string now = $"{consecutor.Snapshot() with { Run = null }}";         // attempts without end are no change
                    if (now == before) throw new InvalidOperationException($"It hangs: {now}");
                    before = now;
                }
            }
            if (!mortal.Died.IsCompleted && work.IsFaulted)
                throw new InvalidOperationException($"The consecutor did not go on, although its store lives: {consecutor.Snapshot()}",
                    consecutor.Completion.Exception ?? work.Exception);
            Assert.Equal(0, consecutor.Snapshot().Unaccounted);
            if (mortal.Died.IsCompleted)
            {
                if (OfAll.Value is { } dying) dying.Deaths++;
                intake?.Cancel();
                await consecutor.AbandonAsync();
                Assert.Equal(0, memory.Bytes);
                await work.ContinueWith(static ended => _ = ended.Exception, CancellationToken.None, TaskContinuationOptions.None,
                    TaskScheduler.Default);
                if (intake is not null) await intake.DisposeAsync();
                continue;
            }
            await consecutor.DisposeAsync();
            Assert.Equal(0, memory.Bytes);

            async Task WorkAsync()
            {
                await consecutor.StartAsync(cancellation);
                intake = (Source.Resumable("numbers", Enumerable.Range(0, items)) | consecutor).Start(cancellation: cancellation);
                await intake.Completion;
                if (IsCompleted) await consecutor.CompleteAsync(cancellation);
                End = await consecutor.WaitForIdleAsync(cancellation);
                Letters.Clear();
                await foreach (DeadLetter letter in consecutor.ListDeadLettersAsync(cancellation)) Letters.Add(letter);
                Assert.True(await consecutor.StopAsync(cancellation: cancellation));
            }
        }
    }

    /// <summary>Plays many seeds, or the store's share of them (<see cref="Share"/>), from <c>SLUICE_SEED</c> on, as many as
    /// <c>SLUICE_CRASHES</c> says; a failure says which. Fails if too few processes have died.</summary>
    public static async Task PlayAllAsync(int count, Func<int, CancellationToken, Task> playAsync)
    {
        string? only = Environment.GetEnvironmentVariable("SLUICE_SEED");
        int first = int.Parse(only ?? "1");
        if (Environment.GetEnvironmentVariable("SLUICE_CRASHES") is { } more) count = int.Parse(more);
        else if (only is not null) count = 1;
        else count = Math.Max(1, count / Share);
        Tally tally = OfAll.Value = new();
        for (int seed = first; seed < first + count; seed++)
        {
            try
            {
                await playAsync(seed, TestContext.Current.CancellationToken);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"SLUICE_SEED={seed} repeats it: {e.Message}", e);
            }
        }
        Assert.True(tally.Plays < 20 || tally.Deaths > tally.Plays / 2, $"{tally.Deaths} processes have died in {tally.Plays} plays.");
    }

    private sealed class Tally
    {
        public int Plays { get; set; }

        public int Deaths { get; set; }
    }
}
