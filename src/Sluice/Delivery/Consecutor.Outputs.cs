using Sluice.Delivery;
using Sluice.Diagnostics;

namespace Sluice;

public sealed partial class Consecutor<T>
{
    internal ConsecutorCore Core => core;

    internal ConsecutorStatus StateNow => State;

    /// <summary>Returns a named output of a <see cref="Sink.Output{T}"/> or of a node (<see cref="NamedOutput{T}"/>), to be wired to
    /// another consecutor (<see cref="ConsecutorOutput{T}.To"/>).</summary>
    /// <remarks>Items for an output without a target are counted (<see cref="ConsecutorSnapshot.Outputs"/>) and discarded. The outputs of a
    /// node class are those in its fields and those that its constructor makes.</remarks>
    /// <param name="name">The output's name.</param>
    /// <typeparam name="TOut">The type of its items.</typeparam>
    /// <exception cref="ArgumentException">The pipeline has no output of that name, or its output has another item type. The message lists
    /// the outputs.</exception>
    public ConsecutorOutput<TOut> Output<TOut>(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (!core.Recorder.HasOutput(name))
            throw new ArgumentException(
                $"The consecutor {Name} has no output '{name}': nothing in its pipeline writes to "
                    + $"one. {core.Recorder.DescribeOutputs(name)}", nameof(name));
        core.Recorder.CheckOutput(name, typeof(TOut), $"of the consecutor {Name} ");
        return new(core, () => State, name);
    }

    /// <summary>Wires several outputs of other consecutors to this one: <c>ledger.From([sales.Output&lt;Entry&gt;("booked"),
    /// returns.Output&lt;Entry&gt;("booked")])</c>. Equivalent to <see cref="ConsecutorOutput{T}.To"/> for each. If one of them is refused,
    /// none is wired.</summary>
    /// <param name="outputs">The outputs.</param>
    public void From(params IReadOnlyList<ConsecutorOutput<T>> outputs)
    {
        ArgumentNullException.ThrowIfNull(outputs);
        List<ConsecutorOutput<T>> wired = [];
        try
        {
            foreach (ConsecutorOutput<T> output in outputs)
            {
                output.To(this);
                wired.Add(output);
            }
        }
        catch
        {
            foreach (ConsecutorOutput<T> output in wired) output.Unwire();
            throw;
        }
    }
}
