using System.Diagnostics;
using System.Threading.Tasks.Sources;

namespace Sluice.Flows;

/// <summary>The values of a loop. While the function works on a value, the span of the value is the function's current activity.</summary>
/// <remarks>
/// An <c>async</c> iterator cannot change the current activity of its caller. This enumerator can: its methods run in the caller, and the
/// caller also fetches the result of a wait here.
/// </remarks>
internal sealed class TracedSequence<T>(StartTelemetry start, Func<ValueLoop, IAsyncEnumerable<T>> read) : IAsyncEnumerable<T>
{
    public IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        var loop = new ValueLoop(start);
        return new Enumerator(loop, read(loop).GetAsyncEnumerator(cancellationToken));
    }

    private sealed class Enumerator(ValueLoop loop, IAsyncEnumerator<T> inner) : IAsyncEnumerator<T>, IValueTaskSource<bool>
    {
        private Activity? outer;                     // current around the loop
        private bool isInside;
        private ValueTask<bool> pending;
        private Action? resume;
        private Action<object?>? continuation;
        private object? state;

        public T Current => inner.Current;

        public ValueTask<bool> MoveNextAsync()
        {
            ValueTask<bool> moved = inner.MoveNextAsync();
            if (moved.IsCompletedSuccessfully) return new(Enter(moved.Result));
            pending = moved;
            return new(this, 0);
        }

        public ValueTask DisposeAsync()
        {
            Restore();
            return inner.DisposeAsync();
        }

        bool IValueTaskSource<bool>.GetResult(short token)
        {
            ValueTask<bool> moved = pending;
            pending = default;
            return Enter(moved.GetAwaiter().GetResult());
        }

        ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token)
            => !pending.IsCompleted ? ValueTaskSourceStatus.Pending
            : pending.IsCompletedSuccessfully ? ValueTaskSourceStatus.Succeeded
            : pending.IsCanceled ? ValueTaskSourceStatus.Canceled : ValueTaskSourceStatus.Faulted;

        void IValueTaskSource<bool>.OnCompleted(Action<object?> continuation, object? state, short token,
            ValueTaskSourceOnCompletedFlags flags)
        {
            (this.continuation, this.state) = (continuation, state);
            resume ??= Resume;
            var awaiter = pending.ConfigureAwait(flags.HasFlag(ValueTaskSourceOnCompletedFlags.UseSchedulingContext)).GetAwaiter();
            if (flags.HasFlag(ValueTaskSourceOnCompletedFlags.FlowExecutionContext)) awaiter.OnCompleted(resume);
            else awaiter.UnsafeOnCompleted(resume);
        }

        private void Resume()
        {
            (Action<object?> next, object? with) = (continuation!, state);
            (continuation, state) = (null, null);
            next(with);
        }

        private bool Enter(bool hasValue)
        {
            if (!hasValue || loop.Span is not { } span)
            {
                Restore();
                return hasValue;
            }
            if (!isInside) outer = Activity.Current;
            isInside = true;
            Activity.Current = span;
            return true;
        }

        private void Restore()
        {
            if (!isInside) return;
            isInside = false;
            Activity.Current = outer is { IsStopped: true } ? null : outer;
            outer = null;
        }
    }
}
