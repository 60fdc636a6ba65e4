using System.Text;
using Sluice.Sqlite;
using SQLitePCL;

namespace Sluice.Dashboard.Tests.Http;

/// <summary>A dashboard beside services of another version: it names what it does not know, shows the rest, and throws nothing.</summary>
public sealed class OtherVersionTests : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("sluice-dashboard-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Path => System.IO.Path.Combine(directory.FullName, "store.db");

    public void Dispose() => directory.Delete(recursive: true);

    [Fact]
    public async Task AFileThatANewerServiceUpgradesMeanwhileIsRefusedByItsVersion()
    {
        await using (SqliteStreamStore store = await SqliteStreamStore.OpenAsync(Path, Durability.Process, null, Cancellation))
            await new Letters(store).AddAsync("one", "two");
        await using IStreamStore read = await SqliteStreamStore.OpenReadOnlyAsync(Path, null, Cancellation);
        await using DashboardProgram program = await StartAsync(read);
        using Viewer viewer = program.NewViewer();
        await UntilAsync(viewer, "/consecutors/orders/dead", "2 dead letters");
        SetVersion("version + 1");
        string[] pages = ["/consecutors/orders", "/consecutors/orders/dead", "/consecutors/orders/dead/1", "/consecutors/orders/state",
            "/audit", "/streams", "/flows"];
        foreach (string page in (string[])["", .. pages])
        {
            // A look at a file may be some time old.
            Answer answer;
            do answer = await viewer.GetAsync(page);
            while (!answer.Text.Contains("has the schema version ", StringComparison.Ordinal));
            Assert.Contains("this version of Sluice knows those up to ", answer.Text, StringComparison.Ordinal);
            Assert.True(answer.Status is HttpStatusCode.OK or HttpStatusCode.ServiceUnavailable, $"{page} answers {answer.Status}.");
        }
        SetVersion("version - 1");
        await UntilAsync(viewer, "", "Answers.");
        foreach (string page in pages) await UntilAsync(viewer, page, "<h1>", HttpStatusCode.OK);
    }

    [Fact]
    public async Task LinesOfTheAuditThatANewerVersionWroteAreShown()
    {
        await using var store = new MemoryStreamStore();
        await store.OpenStreamAsync("sluice-audit", new() { Partitions = 1, Retention = Retention.All }, Cancellation);
        await AppendAsync(store, "sluice-audit", """{"who":"ann <b>","what":"Merge orders","outcome":"merged","why":{"ticket":7}}""",
            """{"who":5,"what":"x"}""", "[1]", "\u0001", """{"note":"neither who nor what"}""");
        await using DashboardProgram program = await StartAsync(store);
        using Viewer viewer = program.NewViewer();
        Answer audit = await viewer.GetAsync("/audit");
        Assert.Equal(HttpStatusCode.OK, audit.Status);
        foreach (string part in (string[])["ann &lt;b&gt;", "Merge orders", "merged", "The line 2 of the audit cannot be read.",
            "The line 3 of the audit cannot be read.", "The line 4 of the audit cannot be read."])
            Assert.Contains(part, audit.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EventsOfARunThatANewerVersionWroteAreLeftOut()
    {
        await using var store = new MemoryStreamStore();
        await using (var flow = new Doubling(store)) await flow.RunAsync("r", keepsInput: true, "a", "b");
        await AppendAsync(store, "flow/r", """{"Kind":"Paused","Member":"newer","Processor":"doubles"}""",
            """{"Kind":"Started","Processor":"of a newer flow","Level":3}""", "{");
        await store.OpenStreamAsync("flow/newer", new() { Partitions = 1 }, Cancellation);
        await AppendAsync(store, "flow/newer", """{"Plan":{"Form":2}}""");
        await using DashboardProgram program = await StartAsync(store);
        using Viewer viewer = program.NewViewer();
        Answer run = await viewer.GetAsync("/flows/r"), runs = await viewer.GetAsync("/flows"), overview = await viewer.GetAsync("");
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.OK), (run.Status, runs.Status, overview.Status));
        Assert.Contains("<h1>Run r</h1>", run.Text, StringComparison.Ordinal);
        Assert.Contains("completed", run.Text, StringComparison.Ordinal);
        Assert.Contains("/flows/r\"", runs.Text, StringComparison.Ordinal);
        Answer newer = await viewer.GetAsync("/flows/newer");
        Assert.True(newer.Status is HttpStatusCode.NotFound or HttpStatusCode.ServiceUnavailable, $"It answers {newer.Status}.");
    }

    // On a busy machine, a page may say that the store has not answered yet.
    private static async Task UntilAsync(Viewer viewer, string page, string text, HttpStatusCode? status = null)
    {
        Answer answer;
        do answer = await viewer.GetAsync(page);
        while (!answer.Text.Contains(text, StringComparison.Ordinal) || (status is { } wanted && answer.Status != wanted));
    }

    private static Task<DashboardProgram> StartAsync(IStreamStore store) => DashboardProgram.StartAsync(new()
    {
        Stores = new Dictionary<string, IStreamStore> { ["main"] = store },
        RefreshInterval = TimeSpan.FromMilliseconds(100),
    });

    private static async Task AppendAsync(MemoryStreamStore store, string stream, params string[] texts)
    {
        using var batch = new EntryBatch();
        foreach (string text in texts) batch.Add(Encoding.UTF8.GetBytes(text));
        Assert.Equal(AppendStatus.Accepted, (await store.AppendAsync(new(stream, "newer", 0, 1, batch), Cancellation)).Status);
    }

    private void SetVersion(string value)
    {
        Batteries_V2.Init();
        Assert.Equal(raw.SQLITE_OK, raw.sqlite3_open(Path, out sqlite3 database));
        raw.sqlite3_busy_timeout(database, 60_000);                 // the reader may just open or close the file
        using (database) Assert.Equal(raw.SQLITE_OK, raw.sqlite3_exec(database, $"UPDATE sluice_meta SET version = {value}"));
    }
}
