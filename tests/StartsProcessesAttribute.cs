using Xunit.v3;

namespace Sluice.Tests;

/// <summary>
/// The tests of this class start programs: servers, children, victims. <c>./test --fast</c> leaves them out. Only the projects that
/// <c>--fast</c> runs need the mark (an architecture test sees to it); the others start programs all the time.
/// </summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class StartsProcessesAttribute : Attribute, ITraitAttribute
{
    /// <inheritdoc/>
    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => [new("Starts", "processes")];
}
