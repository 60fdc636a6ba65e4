using System.Runtime.CompilerServices;
using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Scale;

/// <summary>A process: a member of the consecutor, which also sends, and a supervisor with the processors of the flow.</summary>
internal sealed class Host : IAsyncDisposable
{
    /// <summary>The consecutor and its stream.</summary>
    public const string Orders = "orders";

    private const int Keys = 10_000;

    private static readonly Processor Ticks = new("ticks") { Inputs = ["from"], Outputs = ["tick"] };
    private static readonly Processor Doubler = new("doubler") { Inputs = ["tick"], Outputs = ["twice"], Resume = ResumeMode.PerItem };
    private static readonly Processor Shown = new("shown") { Inputs = ["twice"], Outputs = ["text"], Resume = ResumeMode.PerItem };
    private static readonly Flow Everything = Flow.From(Ticks, Doubler, Shown).Resolve();

    private readonly ScaleOptions options;
    private readonly TimeProvider time;
    private readonly Items items;
    private readonly Network.Connection connection;
    private readonly Consecutor<int> orders;
    private readonly Supervisor supervisor;
    private volatile bool isSending;

    public Host(string name, ScaleOptions options, Network network, TimeProvider time, Items items)
    {
        (Name, this.options, this.time, this.items, connection) = (name, options, time, items, network.Connect());
        TimeSpan lease = TimeSpan.FromSeconds(options.Lease);
        orders = new(Orders, source => source | items.End, new()
        {
            Store = connection,
            InstanceId = name,
            LeaseDuration = lease,
            Stream = new() { Partitions = options.Partitions },
            Run = new() { Time = time },
            OnWarning = static _ => { },
        })
        { Key = static item => $"{item % Keys}" };
        supervisor = Supervisor.Attach(connection, new() { Name = name, LeaseDuration = lease, Time = time, OnWarning = static _ => { } });
        supervisor.Register(Ticks, TickAsync);
        supervisor.Register(Doubler, DoubleAsync);
        supervisor.Register(Shown, ShowAsync);
    }

    public string Name { get; }

    public bool IsDead => connection.IsDead;

    public Task StartAsync() => AgainAsync(() => orders.StartAsync());

    public Task StartFlowAsync() => AgainAsync(() => supervisor.StartAsync(Everything, [IOVal.Of("from", 0)]));

    /// <summary>The host dies, as by a power failure: it makes no further call, and tells no other host.</summary>
    public void Die()
    {
        isSending = false;
        connection.Die();
    }

    public void BeginToSend()
    {
        isSending = true;
        _ = Task.Run(SendAsync);
    }

    public void EndToSend() => isSending = false;

    public async ValueTask DisposeAsync()
    {
        await supervisor.DisposeAsync();
        await orders.DisposeAsync();
    }

    // As whatever starts a process does.
    private async Task AgainAsync(Func<Task> start)
    {
        while (true)
        {
            try
            {
                await start();
                return;
            }
            catch (StreamStoreException)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), time);
            }
        }
    }

    private async Task SendAsync()
    {
        if (options.Rate == 0) return;
        TimeSpan pause = TimeSpan.FromSeconds((double)options.Hosts / options.Rate);
        while (isSending)
        {
            await Task.Delay(pause, time);
            int item = items.Next();
            await orders.SendAsync(item);
            items.Acknowledge(item);
        }
    }

    private async IAsyncEnumerable<IOVal> TickAsync(IO<int> from, [EnumeratorCancellation] CancellationToken cancellation)
    {
        for (int tick = await from.FirstAsync(cancellation); ; tick++)
        {
            await Task.Delay(TimeSpan.FromSeconds(1), time, cancellation);
            yield return IOVal.Of("tick", tick);
        }
    }

    private static async IAsyncEnumerable<IOVal> DoubleAsync(IO<int> tick, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (int value in tick.StreamAsync(cancellation)) yield return IOVal.Of("twice", 2 * value);
    }

    private static async IAsyncEnumerable<IOVal> ShowAsync(IO<int> twice, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (int value in twice.StreamAsync(cancellation)) yield return IOVal.Of("text", $"{value}");
    }
}
