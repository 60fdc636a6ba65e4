using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Sluice.Testing;

namespace Sluice.Dashboard.Tests.Load;

/// <summary>What the dashboard costs: with many letters, many viewers, none, slow ones, and a store that is slow itself.</summary>
public sealed class LoadTests : IAsyncDisposable
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1), Step = TimeSpan.FromSeconds(0.5);

    private readonly MemoryStreamStore store = new();
    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task APageOfAHundredThousandLettersCostsFewCalls()
    {
        await new Letters(store).AddAsync(Enumerable.Range(0, 100_000).Select(static i => new Letter(
            $"{{\"number\":{i},\"text\":\"some text\"}}", i % 3 == 0 ? "Check" : "Save",
                $"System.FormatException: The number {i} is no good.\n   at Shop.Check()")));
        var watched = new WatchedStore(store);
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options(watched) with { Time = TimeProvider.System });
        using Viewer viewer = program.NewViewer();
        foreach (string page in (string[])["", "?after=99000", "?node=Check", "?text=99999", "?error=99999", "?by=error"])
        {
            Answer answer = await viewer.GetAsync("/consecutors/orders/dead" + page);
            Assert.Equal(HttpStatusCode.OK, answer.Status);
            List<double> times = [];
            int before = watched.CallsOf("ListDeadAsync");
            for (int i = 0; i < 20; i++)
            {
                long start = Stopwatch.GetTimestamp();
                await viewer.GetAsync("/consecutors/orders/dead" + page);
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
            times.Sort();
            int calls = (watched.CallsOf("ListDeadAsync") - before) / 20;
            TestContext.Current.TestOutputHelper?.WriteLine($"'{page}': median {times[10]:0} ms, {calls} lists of letters a page");
            int most = page.Split('=')[0] switch { "?text" or "?by" => 40, "?error" => 101, _ => 1 };
            Assert.True(calls <= most, $"A page of '{page}' lists letters {calls} times.");
        }
    }

    [Fact]
    public async Task WhileNobodyLooksTheStoreIsNotCalled()
    {
        await new Letters(store).AddAsync("one");
        var watched = new WatchedStore(store);
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options(watched));
        clock.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(0, watched.Calls);
        using (Viewer viewer = program.NewViewer()) await viewer.GetAsync("");
        int after = watched.Calls;
        Assert.InRange(after, 1, 20);
        clock.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal((after, 0), (watched.Calls, clock.ArmedTimers));
    }

    [Fact]
    public async Task TenViewersOfAPageCostTheStoreAsMuchAsOne()
    {
        await new Letters(store).AddAsync("one");
        int one = await CallsAsync(viewers: 1), ten = await CallsAsync(viewers: 10);
        Assert.True(one > 0, "A viewer sees nothing new.");
        Assert.Equal(one, ten);
    }

    [Fact]
    public async Task AnOpenPageOfLettersCountsThemAndSearchesOnce()
    {
        var letters = new Letters(store);
        await letters.AddAsync(Enumerable.Range(0, 1000).Select(static i => new Letter($"{i}")));
        var watched = new WatchedStore(store);
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options(watched));
        using Viewer viewer = program.NewViewer();
        const string page = "/consecutors/orders/dead?text=nowhere";
        Assert.Contains("1,000 dead letters in all.", (await viewer.GetAsync(page)).Text, StringComparison.Ordinal);
        int lists = watched.CallsOf("ListDeadAsync");
        Assert.True(lists > 0, "The page searches nothing.");
        using EventStream events = await EventStream.OpenAsync(viewer, page);
        await events.ReadAsync();
        List<string> seen = [];
        for (int i = 1; i <= 5; i++)
        {
            await letters.AddAsync("one more");
            seen.AddRange(await NextAsync(events));
        }
        while (!seen.Exists(static line => line.Contains("1,005 dead letters in all.", StringComparison.Ordinal)))
            seen.AddRange(await NextAsync(events));
        Assert.Equal(lists, watched.CallsOf("ListDeadAsync"));
        // A look of the sampler may be older than the page.
        await letters.AddAsync("the last");
        Assert.Contains("1,006 dead letters in all.", (await viewer.GetAsync(page)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AViewerThatReadsNothingHoldsNobodyUp()
    {
        await new Letters(store).AddAsync(Enumerable.Range(0, 300)
            .Select(static i => new Letter(new string('x', 300), Error: new string('e', 200))));
        await using Orders orders = await Orders.StartAsync(store, "busy");
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options(store) with
        {
            Consecutors = [orders.Consecutor],
            Time = TimeProvider.System,
            RefreshInterval = TimeSpan.FromMilliseconds(100),
        });
        List<Socket> deaf = [];
        for (int i = 0; i < 20; i++) deaf.Add(await DeafAsync(new Uri(program.Root)));
        using Viewer viewer = program.NewViewer();
        using EventStream events = await EventStream.OpenAsync(viewer, "");
        for (int i = 0; i < 10; i++)
        {
            await orders.SendAsync(($"{i}", "fine"));
            Assert.Equal($"{i}", (await orders.NextAsync()).Id);
            await events.ReadAsync();
        }
        Assert.Equal(HttpStatusCode.OK, (await viewer.GetAsync("/consecutors/busy")).Status);
        foreach (Socket one in deaf) one.Dispose();
    }

    [Fact]
    public async Task AStoreThatNeverAnswersHoldsNoPageUp()
    {
        await new Letters(store).AddAsync("one");
        var watched = new WatchedStore(store);
        watched.Stop();
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options(watched));
        using Viewer viewer = program.NewViewer();
        Task<Answer> first = viewer.GetAsync("");
        await clock.WaitForTimersAsync(1, Cancellation);
        clock.Advance(Second);
        Answer answer = await first;
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Contains("The store has not answered for 1.0 s", answer.Text, StringComparison.Ordinal);
        watched.GoOn();

        // It hangs later: what was seen before is shown, and what has to be read now is not.
        await LookedAtAsync(viewer);
        watched.Stop();
        TimeSpan patience = TimeSpan.FromSeconds(3);                            // the first one does not know yet: it and its look wait
        foreach (string page in (string[])["/consecutors/orders/dead", "/audit", "/consecutors/orders/state", "/flows"])
        {
            Task<Answer> later = viewer.GetAsync(page);
            for (TimeSpan waited = TimeSpan.Zero; !later.IsCompleted; waited += Step)
            {
                Assert.True(waited <= patience, $"{page} has not answered for {waited.TotalSeconds} seconds.");
                await Task.WhenAny(later, clock.WaitForTimersAsync(1, Cancellation));
                clock.Advance(Step);
                if (waited == patience) await later.WaitAsync(TimeSpan.FromMinutes(1), Cancellation);
            }
            patience = TimeSpan.FromSeconds(2);
            Answer away = await later;
            Assert.Equal((page, HttpStatusCode.ServiceUnavailable), (page, away.Status));
            Assert.Contains("The store has not answered for", away.Text, StringComparison.Ordinal);
            Assert.Contains($"<a href=\"/sluice{page}?wait=30\">Wait up to 30 s</a>", away.Text, StringComparison.Ordinal);
            // What is known of the consecutor is there: its figures, and when they were seen.
            Assert.Equal(page.StartsWith("/consecutors", StringComparison.Ordinal),
                away.Text.Contains("<dt>Backlog</dt>", StringComparison.Ordinal));
            Assert.Contains("was seen <time", away.Text, StringComparison.Ordinal);
        }
        watched.GoOn();
        await LookedAtAsync(viewer);
        Assert.Equal(HttpStatusCode.OK, (await viewer.GetAsync("/consecutors/orders/dead")).Status);
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    // Moves the clock until the next drawing has come. The wait for the drawing is not the only timer: the limit of a look or of the page
    // before may still be there, and then a single step may come before the wait has begun.
    private async Task<List<string>> NextAsync(EventStream events)
    {
        Task<List<string>> reading = events.ReadAsync();
        while (true)
        {
            await Task.WhenAny(reading, clock.WaitForTimersAsync(1, Cancellation));
            if (reading.IsCompleted) return await reading;
            clock.Advance(Step);
            for (int i = 0; i < 100 && !reading.IsCompleted; i++) await Task.Yield();
        }
    }

    private DashboardOptions Options(IStreamStore shown)
        => new() { Stores = new Dictionary<string, IStreamStore> { ["main"] = shown }, Time = clock };

    // Counts the calls of the first drawing, which viewers get one after the other, and of ten intervals, in which they get one together.
    private async Task<int> CallsAsync(int viewers)
    {
        TimeSpan interval = TimeSpan.FromSeconds(2);                            // no other timer of the dashboard is due after two seconds
        using var viewerClock = new ViewerClock(clock, interval);
        var watched = new WatchedStore(store);
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options(watched) with
        {
            Time = viewerClock,
            RefreshInterval = interval,
        });
        using Viewer viewer = program.NewViewer();
        List<EventStream> all = [];
        for (int i = 0; i < viewers; i++)
        {
            all.Add(await EventStream.OpenAsync(viewer, "/audit"));
            await all[^1].ReadAsync();
        }
        for (int i = 0; i < 10; i++)
        {
            await viewerClock.AdvanceAsync(viewers, Cancellation);
            foreach (EventStream one in all) await one.ReadAsync();
        }
        foreach (EventStream one in all) one.Dispose();
        return watched.Calls;
    }

    // Waits until the store has been looked at after a hang: the first page may still show what was seen before.
    private async Task LookedAtAsync(Viewer viewer)
    {
        var rounds = new Rounds(100);
        while (true)
        {
            clock.Advance(TimeSpan.FromMinutes(10));                            // a look that hung makes the next one late
            Task<Answer> page = viewer.GetAsync("");
            if ((await page).Text.Contains("Answers.", StringComparison.Ordinal)) return;
            Assert.True(await rounds.GoOnAsync(), "The store answers again, and the overview does not say so.");
        }
    }

    private static async Task<Socket> DeafAsync(Uri page)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 1024 };
        await socket.ConnectAsync(IPAddress.Loopback, page.Port, Cancellation);
        string request = $"GET {page.AbsolutePath} HTTP/1.1\r\nHost: {page.Authority}\r\nAccept: text/event-stream\r\n\r\n";
        await socket.SendAsync(Encoding.ASCII.GetBytes(request), SocketFlags.None, Cancellation);
        return socket;
    }
}
