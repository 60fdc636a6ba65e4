using System.Reflection;
using Xunit.v3;

namespace Sluice.Tests;

/// <summary>
/// Marks a class or method that <c>./test</c> leaves out and <c>./test --long</c> runs, because other tests look for the same faults: in
/// fewer scenarios, with fewer kills, or on another store. Rows of a theory are marked by <c>Traits = ["Length", "long"]</c>.
/// </summary>
/// <param name="beside">The other tests.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class LongAttribute(string beside) : Attribute, ITraitAttribute
{
    /// <summary>The other tests.</summary>
    public string Beside { get; } = beside;

    /// <summary>The projects in which it is long, if projects share the class; all if empty.</summary>
    public string[] In { get; set; } = [];

    /// <inheritdoc/>
    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits()
        => In.Length == 0 || In.Contains(Assembly.GetExecutingAssembly().GetName().Name, StringComparer.Ordinal)
            ? [new("Length", "long")] : [];
}
