using System.Reflection;
using Xunit.v3;

namespace Sluice.Tests;

/// <summary>
/// What this class or method tests is tested by others, too: in fewer scenarios, with fewer kills, or on another store. <c>./test</c>
/// leaves it out, and <c>./test --long</c> runs it. Rows of a theory are marked by <c>Traits = ["Length", "long"]</c> if their
/// neighbours test the same.
/// </summary>
/// <param name="beside">What tests the same in smaller measure.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class LongAttribute(string beside) : Attribute, ITraitAttribute
{
    /// <summary>What tests the same in smaller measure.</summary>
    public string Beside { get; } = beside;

    /// <summary>The projects in which it is long, if projects share the class; all if empty.</summary>
    public string[] In { get; set; } = [];

    /// <inheritdoc/>
    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits()
        => In.Length == 0 || In.Contains(Assembly.GetExecutingAssembly().GetName().Name, StringComparer.Ordinal)
            ? [new("Length", "long")] : [];
}
