namespace Sluice.Tests.Flows;

/// <summary>Tests that ask the system whether anything of the process is about to run.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneTests
{
    public const string Name = "alone";
}
