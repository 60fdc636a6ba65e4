using Sluice;
using Sluice.Diagnostics;
using Sluice.Sqlite;
using Sluice.Storage;

namespace Payments.Serving;

/// <summary>The store and the three consecutors in it: payments, whose bookings go to the ledger, and whose rejections to a file of their
/// own.</summary>
/// <remarks>
/// <code>
/// payments source | Validate | charge | RunningBalance | output "balances" ──► ledger source | [ToFile ledger, Amount | Window | Total |
/// ToFile totals]
///                        └ output "rejected" ──► rejections   source | ToFile rejected
/// </code>
/// Everything between two files is part of one commit: a payment is settled, its account changed, and its booking an entry of the ledger's
/// stream, or nothing of it.
/// </remarks>
internal sealed class Bank : IAsyncDisposable
{
    /// <summary>The node that knows the balances.</summary>
    public const string Balance = "balance";

    // What may be under way when the process dies is run alone, one by one, by the next: so few that this is soon done. And so many
    // attempts that killing the
    // process again and again, while a payment runs alone, makes no innocent one a dead letter.
    private const int Capacity = 256;
    private const int Replays = 10;
    private const long Bound = 100_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly DeliveryGuarantee Replayed = DeliveryGuarantee.Replay(Replays,
        Backoff.Exponential(TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(100)));

    private readonly SqliteStreamStore store;

    private Bank(SqliteStreamStore store, ServeOptions options)
    {
        this.store = store;
        var stored = new ConsecutorOptions
        {
            Store = store,
            Serializers = PayloadSerializers.JsonOf(PaymentsJson.Default),
            MaxInFlight = Capacity,
            Delivery = Replayed
        };
        Payments = new Consecutor<Payment>("payments", source => source
            | StageNode.Of(() => new Validate())
            | new Poison(options.Poison).Meet | Stage.Named("charge")
            | StageNode.Of(() => new RunningBalance()) | Stage.Named(Balance)
            | Sink.Output<Booking>("balances"),
            stored with { Stream = new StreamOptions { MaxItems = Bound } })
        {
            Key = payment => Validate.WrongWith(payment.Account) is null ? payment.Account : null,
        };

        // One partition, as it has no key: bookings are written, and windows filled, in the order in which they come.
        Ledger = new Consecutor<Booking>("ledger", source => source
            | [
                Sink.ToFile<Booking>(options.Files.Ledger, Lines.Of, Lines.LedgerHeader) | Stage.Named("ToLedger"),
                Pipe.Of<Booking>().Select(booking => booking.Amount).Window(options.Window) | Stage.Named("window") | Sum
                    | (Sink.ToFile<Total>(options.Files.Totals, Lines.Of, Lines.TotalsHeader) | Stage.Named("ToTotals")),
            ],
            stored);
        Rejections = new Consecutor<Rejection>("rejections", source => source
            | Sink.ToFile<Rejection>(options.Files.Rejected, Lines.Of) | Stage.Named("ToRejected"),
            stored with { Stream = new StreamOptions { Partitions = 1 } });
        Payments.Output<Booking>("balances").To(Ledger);
        Payments.Output<Rejection>("rejected").To(Rejections);
    }

    public Consecutor<Payment> Payments { get; }

    public Consecutor<Booking> Ledger { get; }

    public Consecutor<Rejection> Rejections { get; }

    /// <summary>Ends when one of them has ended; faulted if it could not go on.</summary>
    public Task<Task> Ended => Task.WhenAny(Payments.Completion, Ledger.Completion, Rejections.Completion);

    /// <summary>All three as they are.</summary>
    public IReadOnlyList<ConsecutorSnapshot> Snapshots => [Payments.Snapshot(), Ledger.Snapshot(), Rejections.Snapshot()];

    /// <summary>Opens the store, and goes on where it was.</summary>
    /// <exception cref="UserMistake">The store is in use, or no store of payments; a file cannot be gone on with.</exception>
    public static async Task<Bank> StartAsync(ServeOptions options)
    {
        SqliteStreamStore? store = null;
        Bank? bank = null;
        try
        {
            StoreMark.CheckTables(options.Files.Store);
            store = await SqliteStreamStore.OpenAsync(options.Files.Store, options.Durability);
            await StoreMark.CheckAsync(store, options.Files.Store);
            bank = new Bank(store, options);
            await bank.Rejections.StartAsync();
            await bank.Ledger.StartAsync();
            await bank.Payments.StartAsync();
            return bank;
        }
        catch (Exception cause) when (cause is StreamStoreException or IOException or InvalidDataException or InvalidOperationException
            or UnauthorizedAccessException or UserMistake
            or PipelineException { InnerException: IOException or InvalidDataException or UnauthorizedAccessException })
        {
            if (bank is not null) await bank.DisposeAsync();
            else if (store is not null) await store.DisposeAsync();
            throw cause as UserMistake ?? new UserMistake(cause.Message, cause);
        }
    }

    /// <summary>Lets end what is under way; what else was accepted stays in the store.</summary>
    public async Task StopAsync()
    {
        await Task.WhenAll(Payments.StopAsync(Patience), Ledger.StopAsync(Patience), Rejections.StopAsync(Patience));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Payments.DisposeAsync();
        await Ledger.DisposeAsync();
        await Rejections.DisposeAsync();
        await store.DisposeAsync();
    }

    private static Total Sum(Window<decimal> window) => new(window.Start, window.End, window.Items.Count, window.Items.Sum());
}
