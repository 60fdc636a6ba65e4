using System.Collections.Concurrent;
using System.Text.Json;
using Sluice.Samples.Tests;
using Sluice.Storage;
using SQLitePCL;

namespace Sluice.Cli.Tests;

/// <summary>Runs the built command in other processes, in a directory of its own.</summary>
public abstract class CliTestBase : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("sluice-cli-");

    internal string Folder => directory.FullName;

    internal string StorePath => Path.Combine(Folder, "orders.db");

    internal static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    internal SampleProcess Start(params string[] arguments) => SampleProcess.Start("Sluice.Cli", Folder, arguments);

    /// <summary>Runs a command in a process that has run others before. <see cref="Start"/> starts a process for it.</summary>
    internal async Task<Ended> RunAsync(params string[] arguments)
        => WithoutColorsAndStacks(await WarmProgram.RunAsync("Sluice.Cli", Folder, arguments));

    /// <summary>Runs a command in a process of its own, as a user does.</summary>
    internal async Task<Ended> RunAloneAsync(params string[] arguments)
    {
        using SampleProcess process = Start(arguments);
        return WithoutColorsAndStacks(await process.EndAsync());
    }

    private static Ended WithoutColorsAndStacks(Ended ended)
    {
        Assert.DoesNotContain("\e", ended.Output + ended.Errors, StringComparison.Ordinal);       // no colors without a terminal
        Assert.DoesNotContain("   at ", ended.Output + ended.Errors, StringComparison.Ordinal);   // no stack trace
        return ended;
    }

    internal async Task<JsonElement> RunJsonAsync(params string[] arguments)
    {
        string output = (await RunAsync([.. arguments, "--json"])).Succeeded().Output;
        using JsonDocument document = JsonDocument.Parse(output);
        return document.RootElement.Clone();
    }

    /// <summary>Waits until the only member is seen alive. While its process stands still, it is silent, or does not answer.</summary>
    internal async Task<JsonElement> FindAliveAsync(string store)
    {
        var looks = new Rounds(20);
        while (true)
        {
            JsonElement member = Assert.Single((await RunJsonAsync("members", store)).EnumerateArray());
            if (member.GetProperty("status").GetString() is not ("silent" or "noHeartbeats")) return member;
            Assert.True(await looks.GoOnAsync(), $"The member is not seen alive: {member}");
        }
    }

    internal async Task<string> MistakeAsync(int exitCode, params string[] arguments)
        => (await RunAsync(arguments)).OneErrorLine(exitCode, "sluice");

    /// <summary>A consecutor that parses numbers. Texts that are no numbers die after two attempts.</summary>
    internal static Consecutor<string> Orders(IStreamStore store) => Orders(store, TimeSpan.FromSeconds(30));

    /// <summary>The consecutor with another lease duration: a third of it is the time between two heartbeats.</summary>
    internal static Consecutor<string> Orders(IStreamStore store, TimeSpan lease)
        => new("orders", source => source | Parse | (_ => { }), new()
        {
            Store = store,
            LeaseDuration = lease,
            Delivery = DeliveryGuarantee.Replay(1, Backoff.None),
            Stream = new() { Partitions = 2 },
            InstanceId = "shop-1",
            OnWarning = static _ => { },
        });

    /// <summary>Sends items and waits until they have ended.</summary>
    internal static async Task FillAsync(IStreamStore store, params string[] items)
    {
        await using Consecutor<string> orders = Orders(store);
        await orders.StartAsync(Cancellation);
        foreach (string item in items) await orders.SendAsync(item, Cancellation);
        await orders.WaitForIdleAsync(Cancellation);
    }

    /// <summary>Processes what a store has for the consecutor of <see cref="Orders"/>; no item fails. Returns the items.</summary>
    internal static async Task<IReadOnlyCollection<string>> ProcessAllAsync(IStreamStore store, int partitions)
    {
        ConcurrentBag<string> seen = [];
        await using var orders = new Consecutor<string>("orders", source => source | Parse | (_ => { }), new()
        {
            Store = store,
            Delivery = DeliveryGuarantee.Replay(1, Backoff.None),
            Stream = new() { Partitions = partitions },
            LeaseDuration = TimeSpan.FromSeconds(3),
            InstanceId = "shop-1",
            OnWarning = static _ => { },
        });
        await orders.StartAsync(Cancellation);
        await orders.WaitForIdleAsync(Cancellation);
        return seen;

        // Has the name of the node in which the letters died: items of other nodes would be parked.
        int Parse(string text)
        {
            seen.Add(text);
            return 0;
        }
    }

    /// <summary>Waits until a command has opened the store.</summary>
    internal async Task WaitForStoreAsync(SampleProcess process)
    {
        while (!Directory.GetFiles($"/proc/{process.Id}/fd").Any(IsStore)) await Task.Yield();

        bool IsStore(string descriptor)
        {
            try
            {
                return File.ResolveLinkTarget(descriptor, returnFinalTarget: false)?.FullName == StorePath;
            }
            catch (IOException)
            {
                return false;                        // closed in the meantime
            }
        }
    }

    /// <summary>Changes the closed store by a statement of SQL.</summary>
    internal void Execute(string sql)
    {
        Batteries_V2.Init();
        Assert.Equal(raw.SQLITE_OK, raw.sqlite3_open(StorePath, out sqlite3 database));
        using (database)
        {
            Assert.Equal(raw.SQLITE_OK, raw.sqlite3_exec(database, sql));
            Assert.Equal(raw.SQLITE_OK, raw.sqlite3_exec(database, "PRAGMA wal_checkpoint(TRUNCATE)"));
        }
    }

    /// <summary>The folder of the repository.</summary>
    internal static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "Sluice.slnx"))) folder = folder.Parent;
        return folder.FullName;
    }

    public void Dispose()
    {
        directory.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    private static int Parse(string text) => int.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
}
