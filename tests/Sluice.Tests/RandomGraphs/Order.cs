namespace Sluice.Tests.RandomGraphs;

/// <summary>Checks that a sequence is an interleaving of the expected lanes, each in its order.</summary>
internal static class Order
{
    /// <param name="expected">The expected lanes.</param>
    /// <param name="actual">The actual items.</param>
    /// <param name="isWhole">Whether all items must have come; otherwise every lane may end early.</param>
    public static string? Violation(Expected expected, IReadOnlyList<long> actual, bool isWhole)
    {
        Dictionary<long, (int Lane, int Place)> places = [];
        foreach (var (lane, number) in expected.Lanes.Select((lane, number) => (lane, number)))
        {
            for (int place = 0; place < lane.Count; place++)
                if (!places.TryAdd(lane[place].Value, (number, place)))
                    return $"the oracle expects {lane[place].Value} twice, which functions were to make "
                        + $"impossible. {Both(expected, actual)}";
        }
        var came = new int[expected.Lanes.Count];
        foreach (long value in actual)
        {
            if (!places.TryGetValue(value, out var at)) return $"{value} was not to come at all. {Both(expected, actual)}";
            if (came[at.Lane]++ != at.Place)
                return $"{value} came as number {came[at.Lane] - 1} of its lane instead of {at.Place}. {Both(expected, actual)}";
        }
        return isWhole && actual.Count != places.Count ? $"{actual.Count} items came instead of {places.Count}. {Both(expected, actual)}"
            : null;
    }

    private static string Both(Expected expected, IReadOnlyList<long> actual)
        => $"Expected {string.Join(" and ", expected.Lanes.Select(lane =>
        $"[{Few(lane.Select(item => item.Value))}]"))}, got [{Few(actual)}]";

    private static string Few(IEnumerable<long> values) => string.Join(' ', values.Take(40));
}
