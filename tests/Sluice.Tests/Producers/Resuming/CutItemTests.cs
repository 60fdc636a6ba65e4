using System.Runtime.CompilerServices;
using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.Tests.Producers;

/// <summary>
/// Runs that end in the middle of an item of which the stages before the consecutor make several: by a failure, a cancellation, or a stage
/// that takes no more. The next run makes the rest of the item.
/// </summary>
public class CutItemTests
{
    private const int Items = 12;

    public enum End
    {
        Failure,
        FailureBehind,
        Cancellation,
        Take,
        TakeWhile,
    }

    public enum Way
    {
        Plain,
        Async,
        Lanes,
        LanesBehind,
        Buffered,
        Retried,
        RetriedAsync,
    }

    public static MatrixTheoryData<Way, bool> Ways { get; } = new(Enum.GetValues<Way>(), [false, true]);

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task EachOutputIsAcceptedOnceWhereverARunIsCutOff(Way way, bool isLate)
    {
        for (int seed = 0; seed < 40; seed++)
        {
            var random = new Random(seed);
            int[] outputs = [.. Enumerable.Range(0, Items).Select(_ => random.Next(5))];
            await using var intake = new Intake { Through = store => isLate ? new LateStore(store) : store };
            string ends = "";
            for (bool isOver = false; !isOver;)
            {
                End end = (End)random.Next(5);
                ends += $" {end}";
                isOver = await LifeAsync(intake, outputs, way, end, random.Next(1, 8));
            }
            IEnumerable<string> expected = outputs.SelectMany(static (count, at)
                => Enumerable.Range(0, count).Select(part => $"{at}.{part}"));
            Assert.Equal((seed, ends, string.Join(' ', expected)), (seed, ends, string.Join(' ', await intake.AcceptedAsync())));
        }
    }

    /// <summary>A malformed line becomes a dead letter, with the position behind it: not while a line before it was left out.</summary>
    [Fact]
    public async Task NoMalformedLineIsBuriedBehindALineThatWasLeftOut()
    {
        for (int seed = 0; seed < 40; seed++)
        {
            var random = new Random(seed);
            string[] lines = [.. Enumerable.Range(0, 20).Select(n => $"{(random.Next(3) == 0 ? "bad " : "")}{n}")];
            await using var lab = new LogLab();
            lab.Write("app.log", string.Join('\n', lines) + "\n");
            for (bool isOver = false; !isOver;)
            {
                int most = random.Next(1, 8), passed = 0;
                Source<string> read = lab.Lines().Buffer(random.Next(1, 9));
                read = random.Next(2) == 0 ? read.Select(Counted).Take(most)
                    : read | (text => Interlocked.Increment(ref passed) == most ? throw new FormatException("cut off") : text)
                        | Stage.Parallel(2);
                try
                {
                    await lab.AcceptAsync(read);
                    isOver = passed < most;
                }
                catch (PipelineException)
                {
                    // the next life begins at the line that failed
                }

                string Counted(string text)
                {
                    passed++;
                    return text;
                }
            }
            (string[] accepted, DeadLetter[] letters) = await lab.AcceptedAsync();
            Assert.Equal((seed, string.Join(' ', lines.Where(static line => line[0] != 'b'))), (seed, string.Join(' ', accepted)));
            Assert.Equal(lines.Count(static line => line[0] == 'b'), letters.Length);
        }
    }

    /// <summary>What one branch leaves out, because it takes no more, holds up nothing in the others.</summary>
    [Fact]
    public async Task MalformedLinesAreBuriedAlthoughAnotherBranchTakesNoMore()
    {
        await using var lab = new LogLab();
        lab.Write("app.log", "1\n2\nbad\n3\nbad\n4\n");
        List<string> shown = [];
        await using (Consecutor<string> consecutor = lab.New(static _ => { }))
            await (lab.Lines() | [lines => lines.Take(1).ForEach(shown.Add), lines => lines | consecutor]).RunAsync();
        await lab.AcceptAsync(lab.Lines());          // the next run finds nothing left
        (string[] accepted, DeadLetter[] letters) = await lab.AcceptedAsync();
        Assert.Equal(["1"], shown);
        Assert.Equal(["1", "2", "3", "4"], accepted);
        Assert.Equal(2, letters.Length);
    }

    /// <summary>A tick whose item fails in a lane fires again: its end is not stored, although no item is in flight any more.</summary>
    [Fact]
    public async Task ATickWhoseItemFailsFiresAgain()
    {
        TimeSpan interval = TimeSpan.FromMinutes(10);
        for (int time = 0; time < 50; time++)
        {
            await using var lab = new TickLab();
            bool fails = true;
            Source<string> source = Source.Every("clock", interval, lab.Started, new TickOptions { Missed = MissedTickPolicy.CatchUp })
                | ((string text) => fails ? throw new FormatException("not now") : text) | Stage.Parallel(2);
            TickLab.Life life = lab.Begin(source);
            await life.PassAsync(interval);
            await Assert.ThrowsAsync<PipelineException>(() => life.Run.Completion);
            await life.KillAsync();
            fails = false;
            life = lab.Begin(source);
            await life.PassAsync(interval);
            await life.StopAsync();
            Assert.Equal(["00:10:00", "00:20:00"], await lab.AcceptedAsync());
        }
    }

    /// <summary>An item that is dropped by a policy is no item that was left out.</summary>
    [Theory]
    [InlineData(ErrorPolicy.Skip)]
    [InlineData(ErrorPolicy.DeadLetter)]
    public async Task PositionsAreStoredBehindAnItemThatAPolicyHasDropped(ErrorPolicy policy)
    {
        await using var intake = new Intake();
        string start = "";
        await intake.AcceptAsync(Source.Acknowledged<int>("log", "test", Log) | (n => n == 1 ? throw new FormatException("one") : $"{n}")
            | Stage.OnError(policy));
        await intake.AcceptAsync(Source.Acknowledged<string>("log", "test", (progress, _) =>
        {
            start = $"{BitConverter.ToInt32(progress.Start.Span)}";
            return Enumerable.Empty<WithPosition<string>>().ToAsyncEnumerable();
        }));
        Assert.Equal("3", start);
        Assert.Equal(["0"], await intake.AcceptedAsync());

        static async IAsyncEnumerable<WithPosition<int>> Log(SourceProgress progress,
            [EnumeratorCancellation] CancellationToken cancellation)
        {
            for (int at = 0; at < 2; at++) yield return new(at, BitConverter.GetBytes(at + 1));
            await progress.StoreAsync(BitConverter.GetBytes(3), cancellation);
        }
    }

    /// <returns>Whether the run has come to the end of the source.</returns>
    private static async Task<bool> LifeAsync(Intake intake, int[] outputs, Way way, End end, int most)
    {
        PipelineRun? run = null;
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int made = 0, passed = 0, left = most;
        Source<int> log = Source.Acknowledged<int>("log", "test", Log);
        Source<string> texts = way switch
        {
            Way.Async => log.SelectManyAsync(OutputsAsync),
            Way.Lanes => log | Outputs | Stage.Parallel(2),
            Way.Buffered => log.SelectMany(Outputs).Buffer(2),
            Way.Retried => (log | Outputs | Stage.Retry(1, Backoff.None)).Buffer(2),
            Way.RetriedAsync => (log | OutputsAsync | Stage.Retry(1, Backoff.None)).Buffer(2),
            _ => log.SelectMany(Outputs),
        };
        if (way == Way.LanesBehind) texts = texts | Pass | Stage.Parallel(2);
        else texts = texts | Pass;
        if (end == End.Take) texts = texts.Take(most);
        if (end == End.TakeWhile) texts = texts.TakeWhile(_ => left-- > 0);
        await using Consecutor<string> consecutor = intake.New(static _ => { });
        run = intake.Start(texts, consecutor);
        started.SetResult();
        await run.Completion.ContinueWith(static ended => _ = ended.Exception, CancellationToken.None, TaskContinuationOptions.None,
            TaskScheduler.Default);
        bool isOver = run.Completion.IsCompletedSuccessfully && (end is not (End.Take or End.TakeWhile) || passed < most);
        await run.DisposeAsync();
        return isOver;

        async IAsyncEnumerable<WithPosition<int>> Log(SourceProgress progress, [EnumeratorCancellation] CancellationToken cancellation)
        {
            await started.Task;
            for (int at = progress.Start.IsEmpty ? 0 : BitConverter.ToInt32(progress.Start.Span); at < outputs.Length; at++)
            {
                if (at % 3 == 1) await progress.StoreAsync(BitConverter.GetBytes(at), cancellation);
                yield return new(at, BitConverter.GetBytes(at + 1));
            }
        }

        IEnumerable<string> Outputs(int at)
        {
            for (int part = 0; part < outputs[at]; part++)
            {
                if (IsTheEnd(End.Failure)) throw new FormatException("cut off");
                yield return $"{at}.{part}";
            }
        }

        async IAsyncEnumerable<string> OutputsAsync(int at, [EnumeratorCancellation] CancellationToken cancellation)
        {
            foreach (string output in Outputs(at))
            {
                if (cancellation.IsCancellationRequested) yield break;       // as many iterators do
                yield return output;
                if (at % 2 == 0) await Task.Yield();
            }
        }

        string Pass(string text)
        {
            Interlocked.Increment(ref passed);
            if (IsTheEnd(End.FailureBehind)) throw new FormatException("cut off");
            return text;
        }

        bool IsTheEnd(End which)
        {
            if (end == End.Cancellation && which == End.Failure && Interlocked.Increment(ref made) == most) _ = run!.CancelAsync();
            return end == which && Interlocked.Increment(ref made) > most;
        }
    }
}
