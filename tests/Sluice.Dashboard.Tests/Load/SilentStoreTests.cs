using System.Collections.Concurrent;
using Sluice.Testing;

namespace Sluice.Dashboard.Tests.Load;

/// <summary>A store that is slow, or silent for a while, and the pages that show it.</summary>
public sealed class SilentStoreTests : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();
    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AStoreThatIsSlowAndAliveGetsItsTime()
    {
        await new Letters(store).AddAsync("one");
        var slow = new TaskCompletionSource();
        var watched = new SlowStore(store, "ListDeadAsync", slow.Task);
        await using DashboardProgram program = await StartAsync(watched);
        using Viewer viewer = program.NewViewer();
        await viewer.GetAsync("");
        Task<Answer> page = viewer.GetAsync("/consecutors/orders/dead");
        for (int second = 0; second < 5; second++)
        {
            await Task.WhenAny(page, clock.WaitForTimersAsync(1, Cancellation));
            clock.Advance(TimeSpan.FromSeconds(1));
        }
        Assert.False(page.IsCompleted, "The page of a store that answers other calls was given up.");
        slow.SetResult();
        Assert.Equal(HttpStatusCode.OK, (await page).Status);
    }

    /// <summary>A page that is loaded again when the store answers would begin its search anew for ever.</summary>
    [Theory]
    [InlineData("", 10, "?wait=30")]
    [InlineData("?wait=30", 30, "?wait=30")]
    [InlineData("?Wait=open&wait=30", 30, "?Wait=open&amp;wait=30")]         // a server takes both for one name: the last value counts
    public async Task APageThatIsTooSlowSaysSoAndIsNotLoadedAgain(string query, int seconds, string longer)
    {
        await new Letters(store).AddAsync("one");
        await using DashboardProgram program = await StartAsync(new SlowStore(store, "ListDeadAsync", Task.Delay(-1, Cancellation)));
        using Viewer viewer = program.NewViewer();
        await viewer.GetAsync("");                            // while the clock stands still, the page waits for the first look
        string said = "The store answers, and has not given all of this page for";
        Answer page;
        var rounds = new Rounds(50);
        long began;
        do                                           // the clock may have been faster than the answer of the store
        {
            began = clock.GetTimestamp();
            Task<Answer> slow = viewer.GetAsync("/consecutors/orders/dead" + query);
            await MoveUntilAsync(slow);
            page = await slow;
        }
        while (!page.Text.Contains(said, StringComparison.Ordinal) && await rounds.GoOnAsync());
        Assert.Equal((HttpStatusCode.ServiceUnavailable, true), (page.Status, page.Text.Contains(said, StringComparison.Ordinal)));
        Assert.True(clock.GetElapsedTime(began) >= TimeSpan.FromSeconds(seconds), $"It waited for {clock.GetElapsedTime(began)}.");
        Assert.Contains($"/consecutors/orders/dead{longer}\">Wait up to 30 s</a>", page.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("data-silent", page.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("data-live", page.Text, StringComparison.Ordinal);
    }

    /// <summary>All calls of a store that is just back end, also those of a page that was given up in that moment.</summary>
    [Fact]
    public async Task APageWhoseStoreIsBackWhenItIsGivenUpIsLoadedAgain()
    {
        await new Letters(store).AddAsync("one");
        var silent = new BackWhenGivenUp(store);
        await using DashboardProgram program = await StartAsync(silent);
        using Viewer viewer = program.NewViewer();
        await viewer.GetAsync("");
        silent.IsSilent = true;
        Task<Answer> page = viewer.GetAsync("/consecutors/orders/dead");
        await MoveUntilAsync(page);
        Assert.Contains("The store has not answered for", (await page).Text, StringComparison.Ordinal);
        Assert.Contains("data-silent", (await page).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task APageThatIsOpenSaysThatTheStoreFailsAndThatItIsBack()
    {
        await new Letters(store).AddAsync("one");
        var watched = new WatchedStore(store);
        await using DashboardProgram program = await StartAsync(watched);
        using Viewer viewer = program.NewViewer();
        using EventStream events = await EventStream.OpenAsync(viewer, "/audit");
        await events.ReadAsync();
        watched.Failure = new StreamStoreException("The connection was refused.");
        await UntilAsync(events, "data: silence\ndata: <p class=\"failing\">The connection was refused.</p>");
        watched.Failure = null;
        await UntilAsync(events, "data: silence\ndata: \n");
    }

    [Fact]
    public async Task APageThatIsOpenSaysThatTheStoreIsSilentAndThatItIsBack()
    {
        await new Letters(store).AddAsync("one");
        var watched = new WatchedStore(store);
        await using DashboardProgram program = await StartAsync(watched);
        using Viewer viewer = program.NewViewer();
        using EventStream events = await EventStream.OpenAsync(viewer, "/audit?wait=open");
        await events.ReadAsync();
        watched.Stop();
        await UntilAsync(events, "/audit?wait=30\">Wait up to 30 s</a>");
        watched.GoOn();
        await UntilAsync(events, "data: silence\ndata: \n");
    }

    [Fact]
    public async Task ASilentStoreGetsNoQuestionForEachDrawing()
    {
        await new Letters(store).AddAsync("one");
        var silent = new SilentStore(store);
        await using DashboardProgram program = await StartAsync(silent);
        using Viewer viewer = program.NewViewer();
        using EventStream events = await EventStream.OpenAsync(viewer, "/audit");
        await events.ReadAsync();
        silent.IsSilent = true;
        await UntilAsync(events, "The store has not answered for");
        for (int drawing = 0; drawing < 10; drawing++)
        {
            Task<List<string>> read = events.ReadAsync();
            await MoveUntilAsync(read);
            await read;
        }
        Assert.True(silent.Waiting <= 3, $"{silent.Waiting} calls wait for the store.");        // a look, a drawing, a question
    }

    [Theory]
    [InlineData("/flows", "/flows?store=main\">main</a></h2>")]
    [InlineData("/audit", "Nothing was done yet.")]
    public async Task AStoreThatIsSilentDoesNotHideTheOthers(string path, string other)
    {
        await using var second = new MemoryStreamStore();
        var silent = new WatchedStore(second);
        await using DashboardProgram program = await StartAsync(store, silent);
        using Viewer viewer = program.NewViewer();
        silent.Stop();
        string text = "", said = "Nothing of second is shown: The store has not answered for";
        var rounds = new Rounds(200);
        while (!(text.Contains(said, StringComparison.Ordinal) && text.Contains(other, StringComparison.Ordinal)))
        {
            if (!await rounds.GoOnAsync()) break;
            Task<Answer> page = viewer.GetAsync(path);
            await MoveUntilAsync(page);
            text = (await page).Text;
        }
        Assert.Contains(said, text, StringComparison.Ordinal);
        Assert.Contains(other, text, StringComparison.Ordinal);
        silent.GoOn();
    }

    /// <summary>The page asks for a consecutor that is not among those of the look.</summary>
    [Fact]
    public async Task AConsecutorOfASilentStoreIsNotSaidToBeMissing()
    {
        for (int i = 0; i <= Dashboard.Sampling.Sampler.MaxElsewhere; i++)
        {
            GroupId group = new($"c{i:0000}", $"c{i:0000}");
            await store.OpenStreamAsync(group.Stream, new() { Partitions = 1 }, Cancellation);
            await store.AddGroupAsync(group, cancellation: Cancellation);
        }
        await new Letters(store).AddAsync("one");
        var watched = new WatchedStore(store);
        await using DashboardProgram program = await StartAsync(watched);
        using Viewer viewer = program.NewViewer();
        await viewer.GetAsync("");
        string last = $"/consecutors/c{Dashboard.Sampling.Sampler.MaxElsewhere:0000}";
        Assert.Equal(HttpStatusCode.OK, (await viewer.GetAsync(last)).Status);
        watched.Stop();
        clock.Advance(TimeSpan.FromMinutes(2));                             // a look is due
        for (int times = 0; times < 3; times++)
        {
            Task<Answer> silent = viewer.GetAsync(last);
            await MoveUntilAsync(silent);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await silent).Status);
        }
        watched.GoOn();
        Answer again;
        var rounds = new Rounds(200);
        do
        {
            Task<Answer> page = viewer.GetAsync(last);
            await MoveUntilAsync(page);
            again = await page;
        }
        while (again.Status != HttpStatusCode.OK && await rounds.GoOnAsync());
        Assert.Equal(HttpStatusCode.OK, again.Status);
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private Task<DashboardProgram> StartAsync(IStreamStore shown, IStreamStore? second = null) => DashboardProgram.StartAsync(new()
    {
        Stores = second is null ? new Dictionary<string, IStreamStore> { ["main"] = shown }
            : new Dictionary<string, IStreamStore> { ["main"] = shown, ["second"] = second },
        Time = clock,
    });

    // Counts drawings and not moves of the clock: on a busy machine, many moves pass before a page is drawn.
    private async Task UntilAsync(EventStream events, string text)
    {
        var drawings = new Rounds(200);
        while (true)
        {
            Task<List<string>> read = events.ReadAsync();
            await MoveUntilAsync(read);
            if (string.Join('\n', await read).Contains(text, StringComparison.Ordinal)) return;
            Assert.True(await drawings.GoOnAsync(), $"The stream of the page does not say: {text}");
        }
    }

    // The clock may be faster than the stores that answer: a page can call them silent, and the next one shows them.
    private async Task MoveUntilAsync(Task shown)
    {
        while (!shown.IsCompleted)
        {
            await Task.WhenAny(shown, clock.WaitForTimersAsync(1, Cancellation));
            clock.Advance(TimeSpan.FromSeconds(0.5));
            for (int turn = 0; turn < 20 && !shown.IsCompleted; turn++) await Task.Yield();
        }
    }

    // Calls wait until they are given up.
    private sealed class SilentStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private readonly ConcurrentQueue<CancellationToken> calls = [];

        public volatile bool IsSilent;

        public int Waiting => calls.Count(static call => !call.IsCancellationRequested);

        public override async ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default)
        {
            await WaitAsync(cancellation);
            return await base.FindStreamAsync(stream, cancellation);
        }

        public override async ValueTask<ReadResult> ReadAsync(ReadRequest request, CancellationToken cancellation = default)
        {
            await WaitAsync(cancellation);
            return await base.ReadAsync(request, cancellation);
        }

        private async Task WaitAsync(CancellationToken cancellation)
        {
            if (!IsSilent) return;
            calls.Enqueue(cancellation);
            await Task.Delay(Timeout.Infinite, cancellation);
        }
    }

    // Its list of letters is there when the question whether it answers is given up.
    private sealed class BackWhenGivenUp(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private readonly TaskCompletionSource isBack = new();

        public volatile bool IsSilent;

        public override async ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default)
        {
            if (IsSilent && stream == "sluice-audit")
            {
                using CancellationTokenRegistration given = cancellation.UnsafeRegister(
                    static isBack => ((TaskCompletionSource)isBack!).TrySetResult(), isBack);
                await isBack.Task;
            }
            return await base.FindStreamAsync(stream, cancellation);
        }

        public override async ValueTask<IReadOnlyList<StoredDeadLetter>> ListDeadAsync(GroupId group, string? node = null, long after = 0,
            int max = 100, CancellationToken cancellation = default)
        {
            if (IsSilent) await isBack.Task;
            return await base.ListDeadAsync(group, node, after, max, cancellation);
        }
    }

    // One kind of call waits; the others are answered.
    private sealed class SlowStore(IStreamStore inner, string slow, Task until) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
        {
            if (name == slow) await until;
            return await call();
        }
    }
}
