using Xunit.v3;

namespace Sluice.Tests;

/// <summary>
/// What this class or method tests is tested by others, too: in fewer scenarios, with fewer kills, or on another store. <c>./test</c>
/// leaves it out, and <c>./test --long</c> runs it.
/// </summary>
/// <param name="beside">What tests the same in smaller measure.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class LongAttribute(string beside) : Attribute, ITraitAttribute
{
    /// <summary>What tests the same in smaller measure.</summary>
    public string Beside { get; } = beside;

    /// <inheritdoc/>
    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => [new("Length", "long")];
}
