using Sluice.Policies;

namespace Sluice;

/// <summary>The operators and ends of sources as methods: <c>source.Chunk(100)</c>.</summary>
/// <remarks>Unless its documentation says otherwise, an operator keeps the order of the items and holds no item back.</remarks>
public static partial class SourceExtensions
{
    private static T NotNull<T>(T argument, [CallerArgumentExpression(nameof(argument))] string? name = null)
        where T : class
        => argument ?? throw new ArgumentNullException(name);

    /// <summary>Refuses times of zero or less, and times so long that the sum with the current time would overflow.</summary>
    private static TimeSpan Positive(TimeSpan time, [CallerArgumentExpression(nameof(time))] string? name = null)
        => Waits.CheckPositive(time, name);
}

/// <summary>The operators of pipes as methods: <c>pipe.Chunk(100)</c>. Each does the same as the method of its name in
/// <see cref="SourceExtensions"/>.</summary>
public static partial class PipeExtensions; // tools/Sluice.Walls writes its methods
