using System.Collections.Concurrent;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sluice.Hosting.Tests.Http;

namespace Sluice.Hosting.Tests;

/// <summary>The numbers of messages, the scopes of items, and what is not in a log.</summary>
public class LogTests
{
    private static readonly Dictionary<int, (string Name, LogLevel Level)> Messages = new()
    {
        [1] = ("Opened", LogLevel.Information),
        [2] = ("Started", LogLevel.Information),
        [3] = ("Stopped", LogLevel.Information),
        [4] = ("CutShort", LogLevel.Warning),
        [5] = ("Warned", LogLevel.Warning),
        [6] = ("FailedAndStops", LogLevel.Critical),
        [7] = ("Failed", LogLevel.Error),
        [8] = ("HandedOverTooLate", LogLevel.Warning),
        [9] = ("Ended", LogLevel.Information),
        [10] = ("FailedWhileStopping", LogLevel.Warning),
        [11] = ("FailedToStop", LogLevel.Error),
        [12] = ("LeftBehind", LogLevel.Warning),
        [13] = ("RequestFailed", LogLevel.Error),
        [14] = ("InMemory", LogLevel.Warning),
        [15] = ("StoreReplaced", LogLevel.Warning),
        [16] = ("SettingIgnored", LogLevel.Warning),
        [17] = ("Detailed", LogLevel.Debug),
        [18] = ("FailedStartNotUndone", LogLevel.Error),
    };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void NumbersNamesAndLevelsOfMessagesStay()
    {
        LoggerMessageAttribute Of(MethodInfo method) => method.GetCustomAttribute<LoggerMessageAttribute>()!;
        MethodInfo[] methods = [.. typeof(SluiceServices).Assembly.GetTypes()
            .SelectMany(static type => type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
            .Where(static method => method.IsDefined(typeof(LoggerMessageAttribute)))];
        Assert.Equal(Messages.OrderBy(static message => message.Key), methods.ToDictionary(method => Of(method).EventId,
            method => (method.Name, Of(method).Level)).OrderBy(static message => message.Key));
    }

    [Fact]
    public void ThePageAboutHostingListsEachNumber()
    {
        string page = File.ReadAllText(Path.Combine(Repository(), "docs/hosting.md"));
        Assert.All(Messages, message => Assert.Contains($"| {message.Key} `{message.Value.Name}` | {message.Value.Level} |", page,
            StringComparison.Ordinal));
    }

    [Fact]
    public async Task AnEntryOfCodeInANodeHasRunNodeAndItem()
    {
        var log = new ScopeProbe();
        using IHost host = Build(log, scopes: true);
        await host.StartAsync(Cancellation);
        var orders = host.Services.GetRequiredService<Consecutor<int>>();
        await orders.SendAllAsync([1, 2], Cancellation);
        await orders.WaitForIdleAsync(Cancellation);
        await host.StopAsync(Cancellation);
        Assert.Equal(["check 1", "check 2", "read 1", "read 2", "saved 1", "saved 2", "saving 1", "saving 2"],
            log.Lines.Select(static line => line.Text).Order());
        Assert.All(log.Lines, static line =>
        {
            Assert.Equal(["ItemId", "Node", "Run"], line.Scope.Select(static pair => pair.Key).Order());       // each once
            Dictionary<string, object?> scope = line.Scope.ToDictionary();
            Assert.Equal("orders", scope["Run"]);
            Assert.Equal(line.Text.Split(' ')[0] switch { "check" => "Check", "read" => "ReadAsync", _ => "SaveAsync" }, scope["Node"]);
            Assert.StartsWith("orders/", (string)scope["ItemId"]!, StringComparison.Ordinal);
        });
        Assert.Equal(2, log.Lines.Select(static line => line.Scope.ToDictionary()["ItemId"]).Distinct().Count());
    }

    [Fact]
    public async Task WithoutTheOptionThereAreNoScopes()
    {
        var log = new ScopeProbe();
        using IHost host = Build(log, scopes: false);
        await host.StartAsync(Cancellation);
        var orders = host.Services.GetRequiredService<Consecutor<int>>();
        await orders.SendAsync(1, Cancellation);
        await orders.WaitForIdleAsync(Cancellation);
        await host.StopAsync(Cancellation);
        Assert.Equal(4, log.Lines.Count);
        Assert.All(log.Lines, static line => Assert.Empty(line.Scope));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ScopesCostNothingUnlessTheyAreWanted(bool scopes)
    {
        const int Warm = 2_000, Items = 50_000;
        long seen = 0, before = 0, after = 0;
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddSluice(sluice => sluice.LogScopes = scopes).AddPipeline("numbers", _ => Source.Range(0, Warm + Items)
            | (n => n + 1) | Count, new() { Mode = ExecutionMode.SingleThread });
        using IHost host = builder.Build();
        await host.StartAsync(Cancellation);
        await Assert.Single(host.Services.GetServices<IHostedPipeline>()).Run!.Completion;
        await host.StopAsync(Cancellation);
        Assert.Equal(Warm + Items, seen);
        if (scopes) Assert.True(after - before > Items, $"{after - before} bytes: the measurement does not see the scopes");
        else Assert.True(after - before < Items / 10, $"{after - before} bytes for {Items} items");      // what the runtime itself needs

        void Count(long number)
        {
            if (++seen == Warm) before = GC.GetAllocatedBytesForCurrentThread();
            if (seen == Warm + Items) after = GC.GetAllocatedBytesForCurrentThread();
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TheItemOfAFailureIsLoggedOnlyIfAskedFor(bool payloads)
    {
        var log = new LogProbe();
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Logging.AddProvider(log);
        builder.Services.AddSluice(sluice => (sluice.OnFailure, sluice.LogPayloads) = (HostFailurePolicy.Degrade, payloads))
            .AddPipeline("cards", static _ => Source.From(["secret"]) | Break | (static _ => { }));
        using IHost host = builder.Build();
        await host.StartAsync(Cancellation);
        while (!log.Lines.Any(static line => line.Level == LogLevel.Error)) await Task.Yield();
        (_, string text, Exception? failure) = log.Lines.Single(static line => line.Level == LogLevel.Error);
        Assert.Equal(payloads, failure!.ToString().Contains("secret", StringComparison.Ordinal));
        Assert.Equal(payloads ? "Failed for good: the pipeline cards; the host goes on without it"
            : "Failed for good: the pipeline cards, at the node 'Break'; the host goes on without it", text);
        var health = host.Services.GetRequiredService<Microsoft.Extensions.Diagnostics.HealthChecks.HealthCheckService>();
        string reason = (await health.CheckHealthAsync(Cancellation)).Entries["sluice"].Description!;
        Assert.Equal(payloads, reason.Contains("secret", StringComparison.Ordinal));
        Assert.Contains("no good", reason, StringComparison.Ordinal);
        await host.StopAsync(Cancellation);
    }

    [Theory]
    [InlineData(false, null, true)]
    [InlineData(true, null, false)]
    [InlineData(false, "memory", false)]
    public async Task AHostWithoutAStoreWarnsThatItsItemsAreInMemory(bool isMeant, string? setting, bool warns)
    {
        var log = new LogProbe();
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Logging.AddProvider(log);
        if (setting is not null) builder.Configuration["Sluice:Store"] = setting;
        builder.Services.AddSluice(sluice =>
        {
            if (isMeant) sluice.UseMemory();
        });
        using IHost host = builder.Build();
        await host.StartAsync(Cancellation);
        await host.StopAsync(Cancellation);
        Assert.Equal(warns, log.Lines.Any(static line => line.Level == LogLevel.Warning
            && line.Text.StartsWith("No store is named: what this host accepts is in memory", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public async Task AStoreThatASecondAddSluiceReplacesIsWarnedOf(bool namesAnother, bool warns)
    {
        var log = new LogProbe();
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Logging.AddProvider(log);
        builder.Services.AddSluice(sluice => sluice.UseMemory());
        builder.Services.AddSluice(sluice =>
        {
            if (namesAnother) sluice.UseStore(static _ => new(new MemoryStreamStore()));
        });
        using IHost host = builder.Build();
        await host.StartAsync(Cancellation);
        await host.StopAsync(Cancellation);
        Assert.Equal(warns, log.Lines.Any(static line => line.Level == LogLevel.Warning
            && line.Text.StartsWith("AddSluice was called with a store more than once", StringComparison.Ordinal)));
    }

    private static string Break(string item) => throw new FormatException("no good");

    private static string Repository()
    {
        var at = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(at.FullName, "Sluice.slnx"))) at = at.Parent!;
        return at.FullName;
    }

    // Three nodes that log: a synchronous function, an asynchronous one with retries, and a sink that goes on asynchronously.
    private static IHost Build(ScopeProbe probe, bool scopes)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Logging.AddProvider(probe).AddFilter("Sluice", LogLevel.None).AddFilter("Microsoft", LogLevel.None);
        builder.Services.AddSluice(sluice => sluice.LogScopes = scopes).AddConsecutor<int>("orders", (services, source) =>
        {
            ILogger log = services.GetRequiredService<ILoggerFactory>().CreateLogger("code");
            return source | Check | ReadAsync | Stage.Retry(1) | SaveAsync;

            void Say(string text)
            {
                if (log.IsEnabled(LogLevel.Information)) log.LogInformation("{Text}", text);
            }

            int Check(int item)
            {
                Say($"check {item}");
                return item;
            }

            async Task<int> ReadAsync(int item)
            {
                await Task.Yield();
                Say($"read {item}");
                return item;
            }

            async Task SaveAsync(int item)
            {
                Say($"saving {item}");
                await Task.Yield();
                Say($"saved {item}");
            }
        });
        return builder.Build();
    }

    // Keeps the entries, each with the pairs of all scopes around it, but its own.
    private sealed class ScopeProbe : ILoggerProvider, ISupportExternalScope, ILogger
    {
        private IExternalScopeProvider scopes = new LoggerExternalScopeProvider();

        public ConcurrentQueue<(string Text, KeyValuePair<string, object?>[] Scope)> Lines { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public void SetScopeProvider(IExternalScopeProvider scopeProvider) => scopes = scopeProvider;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => scopes.Push(state);

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            List<KeyValuePair<string, object?>> pairs = [];
            scopes.ForEachScope(static (scope, pairs) => pairs.AddRange((IEnumerable<KeyValuePair<string, object?>>)scope!), pairs);
            Lines.Enqueue((formatter(state, exception), [.. pairs]));
        }

        public void Dispose()
        {
        }
    }
}
