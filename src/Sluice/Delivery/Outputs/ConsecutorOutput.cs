using Sluice.Delivery;
using Sluice.Diagnostics;

namespace Sluice;

/// <summary>A named output of a consecutor: its pipeline writes items there for another consecutor.</summary>
/// <remarks>
/// <para>
/// The outputs of an item become entries of the target in the commit that settles the item, so each is there exactly once, even if
/// processes die. Outputs of failed attempts are never committed. Entries of one item come in the order in which it wrote them. Entries of
/// several items come in the order in which the items ended; if the consecutor has a <see cref="Consecutor{T}.Key"/>, in the order of the
/// items of each key.
/// </para>
/// <para>Thread-safe.</para>
/// </remarks>
/// <typeparam name="T">The type of the items.</typeparam>
public sealed class ConsecutorOutput<T>
{
    private readonly ConsecutorCore source;
    private readonly Func<ConsecutorStatus> state;

    internal ConsecutorOutput(ConsecutorCore source, Func<ConsecutorStatus> state, string name)
        => (this.source, this.state, Name) = (source, state, name);

    /// <summary>The name of the output.</summary>
    public string Name { get; }

    /// <summary>The name of the consecutor that writes to the output.</summary>
    public string Consecutor => source.Name;

    /// <summary>Wires the output to a consecutor, before either of the two starts. The target may be the same consecutor, or one that leads
    /// back to it.</summary>
    /// <param name="target">A consecutor over the same store. Its key, serializers, code version and stream bound apply.</param>
    /// <param name="mode">The behaviour when the target has no room.</param>
    /// <exception cref="InvalidOperationException">One of the two was started; they have different stores or none; the output is wired
    /// already; or the consecutor settles its items before they start (<see cref="DeliveryGuarantee.None"/>).</exception>
    /// <exception cref="PayloadException">The target's serializers do not support the type.</exception>
    public void To(Consecutor<T> target, OutputMode mode = OutputMode.Asynchronous)
    {
        ArgumentNullException.ThrowIfNull(target);
        Check(target, target.StateNow);
        source.Outputs.Wire(Name, new OutputTarget<T>(target.Core, mode));
    }

    internal void Unwire() => source.Outputs.Unwire(Name);

    /// <summary>Returns the names of the consecutor and of the output, joined by a dot.</summary>
    public override string ToString() => $"{source.Name}.{Name}";

    private void Check(Consecutor<T> target, ConsecutorStatus targetState)
    {
        ConsecutorStatus own = state();
        if (own != ConsecutorStatus.Created || targetState != ConsecutorStatus.Created)
        {
            (string started, ConsecutorStatus how) = own != ConsecutorStatus.Created ? (source.Name, own) : (target.Name, targetState);
            throw new InvalidOperationException(
                $"The output {this} cannot be led to {target.Name} any more: {started} was started ({how}). Wire outputs before the start "
                    + $"of both consecutors.");
        }
        if (source.Options.Store is null || !ReferenceEquals(source.Options.Store, target.Core.Options.Store))
        {
            string why = source.Options.Store is null ? $"{source.Name} has none" : target.Core.Options.Store is null
                ? $"{target.Name} has none" : "they have two";
            throw new InvalidOperationException(
                $"The output {this} cannot be led to {target.Name}: what comes of an item is accepted there in the commit that settles "
                    + $"the item here, so both need the same store, and {why}. "
                + "Give both the same object as ConsecutorOptions.Store; into another store, send from a stage (at least once).");
        }
        if (source.Options.Delivery.Level == DeliveryLevel.None)
        {
            throw new InvalidOperationException(
                $"The output {this} cannot be led to {target.Name}: under DeliveryGuarantee.None items are settled before they are "
                    + $"started, and what comes of them could not be committed with them. Use DeliveryGuarantee.Confirm.");
        }
    }
}
