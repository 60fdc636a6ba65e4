using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sluice.Hosting.Tests.Http;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Hosting.Tests;

/// <summary>Each kind of producer in a host: TCP, ticks, a query and files. HTTP is in <see cref="WebHostTests"/>.</summary>
public sealed class ProducerTests : IDisposable
{
    private readonly ConcurrentQueue<string> seen = [];
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("sluice-producers-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Delete(recursive: true);

    [Fact]
    public async Task LinesComeOverTcp()
    {
        var listening = new TaskCompletionSource<IPEndPoint>(TaskCreationOptions.RunContinuationsAsynchronously);
        using IHost host = Build(_ => Source.Tcp(0, new() { Protocol = TcpProtocol.Lines, OnListening = listening.SetResult }));
        await host.StartAsync(Cancellation);
        using (var client = new TcpClient())
        {
            await client.ConnectAsync(await listening.Task.WaitAsync(Cancellation), Cancellation);
            await client.GetStream().WriteAsync("a\nb\n"u8.ToArray(), Cancellation);
            await SeenAsync("a", "b");
        }
        await host.StopAsync(Cancellation);
    }

    [Fact]
    public async Task ProducersOfOneConsecutorAreToldApartByTheirSources()
    {
        var log = new LogProbe();
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Logging.AddProvider(log);
        builder.Services.AddSluice().AddConsecutor<string>("texts", static (_, source) => source | (static _ => { }))
            .AddConsecutor<int>("numbers", static (_, source) => source | (static _ => { }))
            .AddProducer<int>("numbers", static _ => Source.Resumable("days", [1]))
            .AddProducer<int>("numbers", static _ => Source.Resumable("hours", [2, 3]).Select(static n => n * 2))
            .AddProducer<string>("texts", static _ => Source.Resumable("words", ["a"]));
        using IHost host = builder.Build();
        await host.StartAsync(Cancellation);
        await host.StopAsync(Cancellation);
        foreach (string title in (string[])["a producer of numbers (days)", "a producer of numbers (hours)", "a producer of texts"])
        {
            Assert.Contains(log.Lines, line => line.Text == $"Started {title}");
            Assert.Contains(log.Lines, line => line.Text.StartsWith($"Stopped {title}:", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task TicksComeByTheClockOfTheProducer()
    {
        var clock = new TestClock();
        // The clock may be moved while a tick is accepted, and the items of two ticks may be in two partitions.
        using IHost host = Build(static _ => Source.Every("hours", TimeSpan.FromHours(1), static tick => $"{tick.Time:dd HH:mm}",
            new TickOptions { Missed = MissedTickPolicy.CatchUp }), new() { Time = clock });
        await host.StartAsync(Cancellation);
        while (!seen.Contains("01 01:00") || !seen.Contains("01 02:00"))
        {
            if (clock.ArmedTimers > 0) clock.Advance(TimeSpan.FromMinutes(1));       // it looks at the clock each minute
            await Task.Yield();
        }
        await host.StopAsync(Cancellation);
        Assert.Equal(seen.Distinct(), seen);
    }

    [Fact]
    public async Task RowsComeFromAQuery()
    {
        string connection = $"Data Source={directory.FullName}/orders.db;Pooling=False";
        using var database = new SqliteConnection(connection);
        database.Open();
        Run("CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT); INSERT INTO orders (customer) VALUES ('ann'), ('bob')");
        using IHost host = Build(_ => Source.Query("orders", () => new SqliteConnection(connection),
            "SELECT id, customer FROM orders WHERE id > @id ORDER BY id LIMIT @take", [new QueryKey("id", 0L)],
            static row => row.GetString(1)));
        await host.StartAsync(Cancellation);
        await SeenAsync("ann", "bob");
        await host.StopAsync(Cancellation);

        void Run(string sql)
        {
            using SqliteCommand command = database.CreateCommand();
            command.CommandText = sql;
            command.ExecuteNonQuery();
        }
    }

    [Fact]
    public async Task FilesOfADirectoryComeOnceEach()
    {
        File.WriteAllText(Path.Combine(directory.FullName, "a.csv"), "1\n2\n");
        File.WriteAllText(Path.Combine(directory.FullName, "b.csv"), "3\n");
        var csv = new ResumableFilesOptions { Pattern = "*.csv", QuietDuration = TimeSpan.Zero };
        using IHost host = Build(_ => Source.ResumableFiles("inbox", directory.FullName, csv) | File.ReadLines);
        await host.StartAsync(Cancellation);
        await SeenAsync("1", "2", "3");
        await host.StopAsync(Cancellation);
    }

    [Fact]
    public async Task SeveralProducersFeedOneConsecutor()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddSluice().AddConsecutor<string>("texts", (_, source) => source | seen.Enqueue)
            .AddProducer("texts", static _ => Source.From(["a"])).AddProducer("texts", static _ => Source.From(["b"]));
        using IHost host = builder.Build();
        await host.StartAsync(Cancellation);
        await SeenAsync("a", "b");
        await host.StopAsync(Cancellation);
    }

    /// <summary>As in a rolling deployment: the earlier host serves requests until the later one is ready.</summary>
    [Fact]
    public async Task AHostWhoseProducerGoesOnInAnotherHostStays()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore();
        using IHost earlier = Of("earlier");
        await earlier.StartAsync(Cancellation);
        while (seen.IsEmpty) await PassAsync();
        using IHost later = Of("later");
        await later.StartAsync(Cancellation);
        PipelineRun run = earlier.Services.GetRequiredService<IHostedPipeline>().Run!;
        while (!run.Completion.IsCompleted) await PassAsync();
        var health = earlier.Services.GetRequiredService<HealthCheckService>();
        HealthReport report = await health.CheckHealthAsync(Cancellation);
        // For a moment, nothing more is known than that the run has failed.
        while (report.Status == HealthStatus.Healthy || report.Entries["sluice"].Description!.EndsWith("It has failed.",
            StringComparison.Ordinal)) report = await health.CheckHealthAsync(Cancellation);
        Assert.Equal(HealthStatus.Degraded, report.Status);
        Assert.Contains("This run was superseded: another run of the producer 'hours' has begun since",
            report.Entries["sluice"].Description, StringComparison.Ordinal);
        Assert.False(earlier.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested);
        int count = seen.Count;
        while (seen.Count == count) await PassAsync();
        await later.StopAsync(Cancellation);
        await earlier.StopAsync(Cancellation);
        Assert.Equal(seen.Distinct().Count(), seen.Count);

        async Task PassAsync()
        {
            if (clock.ArmedTimers > 0) clock.Advance(TimeSpan.FromMinutes(1));
            await Task.Yield();
        }

        IHost Of(string name)
        {
            HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
            builder.Services.AddSluice(sluice => sluice.UseStore(_ => new(new HookedStore(store))))
                .AddConsecutor<string>("texts", (_, texts) => texts | seen.Enqueue, options => options with { InstanceId = name })
                .AddProducer("texts", static _ => Source.Every("hours", TimeSpan.FromHours(1), static tick => $"{tick.Time:dd HH:mm}"),
                    new() { Time = clock });
            return builder.Build();
        }
    }

    private IHost Build(Func<IServiceProvider, Source<string>> source, RunOptions? options = null)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddSluice().AddConsecutor<string>("texts", (_, texts) => texts | seen.Enqueue)
            .AddProducer("texts", source, options);
        return builder.Build();
    }

    // Waits until as many items were processed.
    private async Task SeenAsync(params string[] items)
    {
        while (seen.Count < items.Length) await Task.Yield();
        Assert.Equal(items, seen.Order());
    }
}
