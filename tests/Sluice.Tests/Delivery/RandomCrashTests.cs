namespace Sluice.Tests.Deliveries;

/// <summary>Random pipelines whose process dies at random calls of the store: the books are compared with an oracle that only counts.</summary>
public class RandomCrashTests
{
    private static readonly int First = int.Parse(Environment.GetEnvironmentVariable("SLUICE_SEED") ?? "1");
    private static readonly int Count = Environment.GetEnvironmentVariable("SLUICE_SEED") is null ? int.Parse(Environment.GetEnvironmentVariable("SLUICE_CRASHES") ?? "60") : 1;

    [Fact]
    public async Task WhateverDiesEveryAcceptedItemHasOneEnd()
    {
        for (int seed = First; seed < First + Count; seed++)
        {
            try
            {
                await PlayAsync(seed, TestContext.Current.CancellationToken);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"SLUICE_SEED={seed} repeats it: {e.Message}", e);
            }
        }
    }

    private static async Task PlayAsync(int seed, CancellationToken cancellation)
    {
        var random = new Random(seed);
        int items = random.Next(1, 120);
        await using var store = new MemoryStreamStore();
        var ledger = new Ledger();
        var (build, expect) = new RandomBody(seed).Make();
        var options = new ConsecutorOptions
        {
            Delivery = Sluice.Delivery.Replay(40, Backoff.None),
            Stream = new() { Partitions = random.Next(1, 5), MaxItems = random.Next(2) == 0 ? 1_000 : 10 },
            Capacity = random.Next(1, 40),
            Run = new() { Mode = random.Next(3) == 0 ? ExecutionMode.SingleThread : ExecutionMode.MultiThread, Capacity = random.Next(1, 20) },
        };
        ConsecutorSnapshot end = null!;
        List<DeadLetter> letters = [];
        for (int life = random.Next(6); life >= 0; life--)
        {
            var mortal = new MortalStore(store, life == 0 ? int.MaxValue : random.Next(1, 150), (Moment)random.Next(3));
            var consecutor = new Consecutor<int>("numbers", source => build(source) | ledger.Sink<int>(), options with { Store = mortal, Process = new() });
            Run? intake = null;
            Task work = WorkAsync();
            await Task.WhenAny(work, mortal.Died);
            if (!mortal.Died.IsCompleted && work.IsFaulted)
                throw new InvalidOperationException($"The consecutor did not go on, although its store lives: {consecutor.Snapshot()}", consecutor.Completion.Exception ?? work.Exception);
            Assert.Equal(0, consecutor.Snapshot().Unaccounted);
            if (mortal.Died.IsCompleted)
            {
                intake?.Cancel();
                await consecutor.AbandonAsync();
                await work.ContinueWith(static ended => _ = ended.Exception, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
                if (intake is not null) await intake.DisposeAsync();
                continue;
            }
            await consecutor.DisposeAsync();

            async Task WorkAsync()
            {
                await consecutor.StartAsync(cancellation);
                intake = (Source.Resumable("numbers", Enumerable.Range(0, items)) | consecutor).Start(cancellation: cancellation);
                await intake.Completion;
                end = await consecutor.IdleAsync(cancellation);
                letters.Clear();
                await foreach (DeadLetter letter in consecutor.DeadLetters(cancellation)) letters.Add(letter);
                Assert.True(await consecutor.StopAsync());
            }
        }
        Check(items, expect, ledger, end, letters);
    }

    private static void Check(
        int items, Action<int, Expectation, Action<int>> expect, Ledger ledger, ConsecutorSnapshot end, List<DeadLetter> letters)
    {
        List<string> lines = [];
        int completed = 0, skipped = 0, dead = 0, split = 0;
        for (int n = 0; n < items; n++)
        {
            var expected = new Expectation();
            expect(n, expected, value => expected.Lines.Add($"{value}"));
            if (expected.DiesWhole) dead++;
            else
            {
                lines.AddRange(expected.Lines);
                dead += expected.DeadParts;
                split += Math.Max(0, expected.DeadParts - 1);
                if (expected.DeadParts > 0) continue;
                if (expected.Lines.Count > 0) completed++;
                else skipped++;
            }
        }
        Assert.Equal(0, end.Unaccounted);
        Assert.Equal((items, completed, skipped, dead, split, 0L), (end.Accepted, end.Completed, end.Skipped, end.Dead, end.Split, end.Cancelled));
        Assert.Equal(dead, letters.Count);
        Assert.Equal(lines.Order(StringComparer.Ordinal), ledger.Lines.Order(StringComparer.Ordinal));
    }
}
