using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A store that leases some entries as damaged, whatever their state: waiting ones and suspects, too.</summary>
internal sealed class DamagingStore(IStreamStore inner) : StreamStoreWrapper(inner)
{
    public const string Message = "The entry does not match its checksum.";

    /// <summary>Whether the bytes of an entry are damaged.</summary>
    public Func<Entry, bool> IsDamaged { get; set; } = static _ => false;

    public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
    {
        // As in all stores, the bytes of damaged entries do not count.
        LeaseResult lease = await base.LeaseAsync(request with { MaxBytes = 8 * request.MaxBytes }, cancellation);
        var batches = new List<LeasedBatch>();
        List<LeaseDamage> damaged = [.. lease.Damaged];
        foreach (LeasedBatch batch in lease.Batches)
        {
            Entry[] entries = batch.Entries.ToArray();
            damaged.AddRange(entries.Where(IsDamaged).Select(entry => new LeaseDamage(batch.Owner, new(entry.Sequence, entry.Sequence),
                Message)
            { Attempt = entry.Attempt, Raw = entry.Payload }));
            Entry[] whole = [.. entries.Where(entry => !IsDamaged(entry))];
            if (whole.Length > 0) batches.Add(new(batch.Owner, whole));
        }
        return lease with { Batches = batches, Damaged = damaged };
    }
}
