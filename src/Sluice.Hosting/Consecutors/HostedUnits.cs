namespace Sluice.Hosting;

/// <summary>All units of a host, in the order in which they start: receivers before those that send to them. They stop the other way
/// round.</summary>
internal sealed class HostedUnits
{
    private readonly Dictionary<string, HostedUnit> consecutors = new(StringComparer.Ordinal);

    public HostedUnits(IEnumerable<HostedUnit> units)
    {
        HostedUnit[] all = [.. units];
        foreach (HostedUnit unit in all)
            if (unit.Consecutor is { } name && !consecutors.TryAdd(name, unit))
                throw new WiringException($"Two consecutors were added under the name {name}. Give each a name of its own.");
        foreach (IGrouping<string, string> alike in consecutors.Keys.GroupBy(static name => name, StringComparer.OrdinalIgnoreCase))
            if (alike.Count() > 1)
                throw new WiringException($"The names of the consecutors {string.Join(" and ", alike)} differ in case only, and so "
                    + $"would share their settings. Give each a name of its own.");
        InOrder = [.. Sort(all)];
    }

    /// <summary>The units, receivers first.</summary>
    public IReadOnlyList<HostedUnit> InOrder { get; }

    public IReadOnlyCollection<string> Names => consecutors.Keys;

    /// <summary>Finds a consecutor of the host.</summary>
    /// <exception cref="InvalidOperationException">There is none of this name, or of these items.</exception>
    public Consecutor<T> Consecutor<T>(string name, string by)
        => !consecutors.TryGetValue(name, out HostedUnit? unit)
            ? throw new WiringException(
                $"{by} leads to the consecutor '{name}', which was not added: {SettingsReader.Listed(consecutors.Keys)}")
            : (unit as HostedConsecutor<T>)?.Made
                ?? throw new WiringException(
                    $"{by} carries items of the type {TypeNames.Of(typeof(T))}, which the consecutor {name} does not take.");

    /// <summary>Checks that the consecutors of all outputs were added: an output of another name would lead nowhere.</summary>
    /// <exception cref="WiringException">One was not.</exception>
    public void Check(IEnumerable<OutputRegistration> outputs)
    {
        foreach (OutputRegistration output in outputs)
            if (!consecutors.ContainsKey(output.From))
                throw new WiringException($"The output {output.From}.{output.Output} comes from the consecutor '{output.From}', which was "
                    + $"not added: {SettingsReader.Listed(consecutors.Keys)}");
    }

    // Depth first. In a cycle, the consecutor that was added first starts last.
    private List<HostedUnit> Sort(HostedUnit[] all)
    {
        List<HostedUnit> sorted = [];
        var seen = new HashSet<HostedUnit>();
        foreach (HostedUnit unit in all) Visit(unit);
        return sorted;

        void Visit(HostedUnit unit)
        {
            if (!seen.Add(unit)) return;
            foreach (string target in unit.Targets)
                if (consecutors.TryGetValue(target, out HostedUnit? receiver)) Visit(receiver);
            sorted.Add(unit);
        }
    }
}
