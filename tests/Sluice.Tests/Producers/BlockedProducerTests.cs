using Sluice.Policies;
using Sluice.Producers;
using Sluice.Testing;

namespace Sluice.Tests.Producers;

/// <summary>Code of a producer that blocks its thread is left behind by a stop, with what it holds: the next run of the producer loses
/// nothing, and gets nothing twice.</summary>
public sealed class BlockedProducerTests : IAsyncDisposable
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("blocked-");
    private readonly TestClock clock = new();
    private readonly ManualResetEventSlim goOn = new();
    private readonly TaskCompletionSource blocked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Intake intake = new();

    public async ValueTask DisposeAsync()
    {
        goOn.Set();
        await intake.DisposeAsync();
        directory.Delete(recursive: true);
    }

    /// <summary>A directory on a file server that does not answer. The journal is taken until the answer comes.</summary>
    [Theory]
    [InlineData("files")]
    [InlineData("lines")]
    public async Task AScanThatBlocksKeepsItsJournalUntilItHasReturned(string kind)
    {
        Write("a");
        await using Consecutor<string> consecutor = intake.New(_ => { });
        int scans = 0;
        PipelineRun run = Start(_ =>
        {
            if (++scans == 2) Block();
        });
        await AdvanceUntilAsync(blocked.Task);
        Task<bool> stopped = run.StopAsync();
        await AdvanceUntilAsync(stopped);
        Assert.True(await stopped);
        Assert.Equal(["in"], run.StillRunning.Select(static node => node.Split('-')[0]));
        Write("b");
        var early = await Assert.ThrowsAsync<PipelineException>(() => Start(null).Completion);
        Assert.Contains("cannot take its journal", early.Message, StringComparison.Ordinal);
        goOn.Set();
        while (run.StillRunning.Count > 0) await Task.Yield();
        Write("c");
        PipelineRun next = Start(null);
        await clock.WaitForTimersAsync(1, TestContext.Current.CancellationToken);
        Assert.True(await next.StopAsync());
        Assert.Equal(["a", "b", "c"], await intake.AcceptedAsync());

        PipelineRun Start(Action<string>? listing) => ((kind == "files"
            ? Source.ResumableFiles("in", directory.FullName,
                new() { QuietDuration = TimeSpan.Zero, PollInterval = Second, Time = clock, Listing = listing })
                .Select(static path => Path.GetFileName(path))
            : Source.ResumableLines("in", Path.Combine(directory.FullName, "*"), new() { PollInterval = Second, Listing = listing }))
            | consecutor).Start(new RunOptions { Time = clock });
    }

    /// <summary>The opening of a named pipe waits for a writer.</summary>
    [Fact]
    public async Task AFileThatIsOpenedTooLateIsClosed()
    {
        var bytes = new MemoryStream("late\n"u8.ToArray());
        var origin = new LinesOrigin(_ =>
        {
            Block();
            return new StreamReader(bytes);
        }, "pipe");
        List<string> seen = [];
        PipelineRun run = (new LinesSource<string>(origin, static (_, line) => line, 100, StageOptions.Default) | seen.Add)
            .Start(new RunOptions { Time = clock });
        await blocked.Task;
        Task<bool> stopped = run.StopAsync();
        clock.Advance(Second);
        Assert.True(await stopped);
        Assert.Equal(["lines-1"], run.StillRunning.Select(static node => node.Split(' ')[0]));
        goOn.Set();
        while (run.StillRunning.Count > 0) await Task.Yield();
        Assert.False(bytes.CanRead);
        Assert.Empty(seen);
    }

    /// <summary>As the disposal of each other sequence of a source that was stopped.</summary>
    [Theory]
    [InlineData("sequence")]
    [InlineData("resumable")]
    [InlineData("ticks")]
    public async Task TheDisposalOfASequenceThatOpensTooLateMayUseItsToken(string kind)
    {
        List<int> seen = [];
        var late = new LateSequence<int>(Block);
        PipelineRun run = (kind switch
        {
            "sequence" => Source.From(late),
            "resumable" => Source.Resumable("in", (_, _) => new LateSequence<WithPosition<int>>(Block)),
            _ => Source.Every("in", Second, (_, _) => late),
        } | seen.Add).Start(new RunOptions { Time = clock });
        await AdvanceUntilAsync(blocked.Task);
        Task<bool> stopped = run.StopAsync();
        clock.Advance(Second);                       // the stages behind it complete without it
        goOn.Set();
        Assert.True(await stopped);
        await run.Completion;
        Assert.Empty(seen);
    }

    /// <summary>As an answer of the sequence itself.</summary>
    [Theory]
    [InlineData("sequence", false)]
    [InlineData("sequence", true)]
    [InlineData("resumable", false)]
    [InlineData("resumable", true)]
    [InlineData("function", false)]
    [InlineData("function", true)]
    [InlineData("ticks", false)]
    [InlineData("ticks", true)]
    public async Task ASequenceThatOpensMayAnswerTheStopByItsToken(string kind, bool isLate)
    {
        List<int> seen = [];
        PipelineRun run = (kind switch
        {
            "sequence" => Source.From(new OpeningSequence<int>(Answer)),
            "resumable" => Source.Resumable("in", (_, _) => new OpeningSequence<WithPosition<int>>(Answer)),
            "function" => Source.Resumable("in", (_, token) =>
            {
                Answer(token);
                return new OpeningSequence<WithPosition<int>>(static _ => { });
            }),
            _ => Source.Every("in", Second, (_, _) => new OpeningSequence<int>(Answer)),
        } | seen.Add).Start(new RunOptions { Time = clock });
        await AdvanceUntilAsync(blocked.Task);
        Task<bool> stopped = run.StopAsync();
        if (isLate) clock.Advance(Second);           // the stages behind it complete without it
        goOn.Set();
        Assert.True(await stopped);
        await run.Completion;
        Assert.Empty(seen);

        void Answer(CancellationToken token)
        {
            if (isLate) Block();
            else
            {
                blocked.TrySetResult();
                token.WaitHandle.WaitOne();
            }
            token.ThrowIfCancellationRequested();
        }
    }

    /// <summary>A terminal at which nobody types.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AStopDoesNotWaitForALineOfInputAndTheNextRunGetsIt(bool blocks)
    {
        using var typed = new TypedReader(blocks ? Block : null);
        Source<string> input = Source.ResumableInput("in", static (_, line) => line, typed);
        await using (Consecutor<string> consecutor = intake.New(_ => { }))
        {
            PipelineRun run = (input | consecutor).Start(new RunOptions { Time = clock });
            await typed.Waits;
            Task<bool> stopped = run.StopAsync();
            if (blocks) clock.Advance(Second);
            Assert.True(await stopped);
            Assert.Single(run.StillRunning);
            goOn.Set();
            typed.Type("b\n");
            while (run.StillRunning.Count > 0) await Task.Yield();
        }
        await intake.AcceptAsync(input);
        Assert.Equal(["a", "b"], await intake.AcceptedAsync());
    }

    private void Block()
    {
        blocked.TrySetResult();
        goOn.Wait(TestContext.Current.CancellationToken);
    }

    private async Task AdvanceUntilAsync(Task task)
    {
        while (!task.IsCompleted)
        {
            clock.Advance(Second);
            await Task.Yield();
        }
    }

    private void Write(string name) => File.WriteAllText(Path.Combine(directory.FullName, name), $"{name}\n");

    /// <summary>Calls a function when it is opened, which throws.</summary>
    private sealed class OpeningSequence<T>(Action<CancellationToken> open) : IAsyncEnumerable<T>
    {
        public IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken cancellationToken = default)
        {
            open(cancellationToken);
            throw new InvalidOperationException();
        }
    }

    /// <summary>Blocks its thread when it is opened; its disposal waits with its token.</summary>
    private sealed class LateSequence<T>(Action block) : IAsyncEnumerable<T>, IAsyncEnumerator<T>
    {
        private CancellationToken token;

        public T Current => throw new InvalidOperationException();

        public IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken cancellationToken = default)
        {
            token = cancellationToken;
            block();
            return this;
        }

        public ValueTask<bool> MoveNextAsync() => throw new InvalidOperationException();

        public async ValueTask DisposeAsync() => await Task.Delay(TimeSpan.FromDays(1), TimeProvider.System, token);
    }

    /// <summary>Has a line, then waits for another one, whatever its token says; then it ends.</summary>
    private sealed class TypedReader(Action? block) : TextReader
    {
        private readonly TaskCompletionSource waits = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource<string> next = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int reads;

        public Task Waits => waits.Task;

        public void Type(string text) => next.SetResult(text);

        public override async ValueTask<int> ReadAsync(Memory<char> buffer, CancellationToken cancellationToken = default)
        {
            int read = ++reads;
            if (read > 2) return 0;
            if (read == 2)
            {
                waits.SetResult();
                block?.Invoke();
            }
            string text = read == 1 ? "a\n" : await next.Task;
            text.CopyTo(buffer.Span);
            return text.Length;
        }
    }
}
