namespace Sluice.Graphs;

public abstract partial class StepCall<T>
{
    /// <summary>The key of a call of a pure step: its arguments. Asked for once they have their values.</summary>
    protected virtual object? ArgumentsKey() => null;

    /// <summary>A collection as a part of <see cref="ArgumentsKey"/>, compared by its elements in order.</summary>
    /// <param name="arguments">The collection; then its elements, so that the body runs with those that the key has.</param>
    protected static object KeyOf<TArg>(ref Args<TArg> arguments)
    {
        TArg[] values = arguments.Values;
        arguments = new(values);
        return new ElementsKey<TArg>((TArg[])values.Clone());
    }

    /// <inheritdoc cref="KeyOf{TArg}(ref Args{TArg})"/>
    /// <returns>The key; null if the collection was left out.</returns>
    protected static object? KeyOf<TArg>(ref Args<TArg>? arguments)
    {
        if (arguments is not { } given) return null;
        object key = KeyOf(ref given);
        arguments = given;
        return key;
    }

    /// <summary>Takes the value of an earlier call with the same arguments, or runs the body.</summary>
    private ValueTask<T> RecallAsync(StepMemo memo)
    {
        if (scope is null) return RunAsync();
        object key = (GetType(), ArgumentsKey());
        var first = (Future<T>)memo.FirstOf(scope, key, this);
        if (ReferenceEquals(first, this)) return RunAsync();
        if (!first.IsCompleted || first.Failure is not null) return WaitForAsync(first, memo, key);          // it may just have failed
        record?.Await(first);
        return new(first.Value!);
    }

    /// <summary>
    /// Waits for an earlier call. If that fails or is cancelled, this call takes its place; the failure does not count as observed.
    /// </summary>
    private async ValueTask<T> WaitForAsync(Future<T> first, StepMemo memo, object key)
    {
        while (!ReferenceEquals(first, this))
        {
            var end = new EndFuture([first], evenIfFailed: true);
            CancellationTokenRegistration gone = Token.UnsafeRegister(static end => ((Future)end!).Cancel(), end);
            await end;                               // on the step's scheduler; its permits are lent meanwhile
            gone.Unregister();
            if (first.Failure is null) return first.Value!;
            first = (Future<T>)memo.FirstOf(scope!, key, this);
        }
        return await RunAsync();
    }

    private ValueTask<T> RunAsync() => definition.HasNoPolicy ? InvokeAsync(definition.TakesToken ? Token : default) : TryAsync(Token);

    private sealed class ElementsKey<TArg>(TArg[] values) : IEquatable<ElementsKey<TArg>>
    {
        private readonly TArg[] values = values;

        public bool Equals(ElementsKey<TArg>? other)
            => other is not null && values.AsSpan().SequenceEqual(other.values, EqualityComparer<TArg>.Default);

        public override bool Equals(object? other) => Equals(other as ElementsKey<TArg>);

        public override int GetHashCode()
        {
            var hash = new HashCode();
            foreach (TArg value in values) hash.Add(value);
            return hash.ToHashCode();
        }
    }
}
