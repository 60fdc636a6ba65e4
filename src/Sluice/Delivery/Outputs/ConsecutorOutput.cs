namespace Sluice;

/// <summary>A named output of a consecutor: what its pipeline puts out there, to be processed by another consecutor.</summary>
/// <remarks>
/// <para>
/// What an item has put out becomes entries of the target in the commit that settles the item: it is there exactly once, whatever dies. What attempts put out that failed
/// never is. Entries come in the order of the items' ends, those of one item in the order in which it put them out; where the consecutor has a
/// <see cref="Consecutor{T}.Key"/>, in the order of the items of each key.
/// </para>
/// <para>Thread-safe.</para>
/// </remarks>
/// <typeparam name="T">The type of its items.</typeparam>
public sealed class ConsecutorOutput<T>
{
    private readonly ConsecutorCore source;
    private readonly Func<ConsecutorStatus> state;

    internal ConsecutorOutput(ConsecutorCore source, Func<ConsecutorStatus> state, string name) => (this.source, this.state, Name) = (source, state, name);

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>The name of its consecutor.</summary>
    public string Consecutor => source.Name;

    /// <summary>Leads it to a consecutor, which may be its own, or one that leads back to it. Before either of the two starts.</summary>
    /// <param name="target">A consecutor over the same store. Its key, serializers and version are used, and its bound holds.</param>
    /// <param name="mode">What is done when the target has no room.</param>
    /// <exception cref="InvalidOperationException">
    /// One of the two was started; they have not the same store; the output leads somewhere already; or the consecutor lets go of its items before they are started (<see cref="DeliveryGuarantee.None"/>).
    /// </exception>
    /// <exception cref="PayloadException">The target's serializers have none for the type.</exception>
    public void To(Consecutor<T> target, OutputMode mode = OutputMode.Asynchronous)
    {
        ArgumentNullException.ThrowIfNull(target);
        Check(target, target.StateNow);
        source.Outputs.Wire(Name, new OutputTarget<T>(target.Core, mode));
    }

    /// <summary>Its consecutor and its name.</summary>
    public override string ToString() => $"{source.Name}.{Name}";

    private void Check(Consecutor<T> target, ConsecutorStatus targetState)
    {
        ConsecutorStatus own = state();
        if (own != ConsecutorStatus.Created || targetState != ConsecutorStatus.Created)
        {
            (string started, ConsecutorStatus how) = own != ConsecutorStatus.Created ? (source.Name, own) : (target.Name, targetState);
            throw new InvalidOperationException($"The output {this} cannot be led to {target.Name} any more: {started} was started ({how}). Wire outputs before the start of both consecutors.");
        }
        if (source.Options.Store is null || !ReferenceEquals(source.Options.Store, target.Core.Options.Store))
        {
            string why = source.Options.Store is null ? $"{source.Name} has none" : target.Core.Options.Store is null ? $"{target.Name} has none" : "they have two";
            throw new InvalidOperationException(
                $"The output {this} cannot be led to {target.Name}: what comes of an item is accepted there in the commit that settles the item here, so both need the same store, and {why}. "
                + "Give both the same object as ConsecutorOptions.Store; into another store, send from a stage (at least once).");
        }
        if (source.Options.Delivery.Level == DeliveryLevel.None)
        {
            throw new InvalidOperationException(
                $"The output {this} cannot be led to {target.Name}: under DeliveryGuarantee.None items are settled before they are started, and what comes of them could not be committed with them. Use DeliveryGuarantee.Confirm.");
        }
    }
}
