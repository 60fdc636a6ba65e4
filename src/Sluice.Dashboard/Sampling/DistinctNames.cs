namespace Sluice.Dashboard.Sampling;

/// <summary>Names of pages: the second thing of one name gets a number, so each has a page of its own.</summary>
internal sealed class DistinctNames
{
    private readonly HashSet<string> taken = new(StringComparer.Ordinal);

    /// <summary>Returns the name, or the name and the first free number: <c>import (2)</c>.</summary>
    public string Add(string name)
    {
        string free = name;
        for (int number = 2; !taken.Add(free); number++) free = $"{name} ({number})";
        return free;
    }
}
