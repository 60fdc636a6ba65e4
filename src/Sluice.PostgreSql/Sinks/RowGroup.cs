using NpgsqlTypes;

namespace Sluice.PostgreSql;

/// <summary>Consecutive rows of one statement whose values have equal types: they are written by one statement, with arrays.</summary>
internal sealed class RowGroup(PostgresWrites writes, int first)
{
    private BatchedInsert? insert;
    private Type?[] types = [];
    private bool isAlone;

    public PostgresWrites Writes => writes;

    /// <summary>The index of the first row in <see cref="Writes"/>.</summary>
    public int First => first;

    public int Count { get; private set; } = 1;

    /// <summary>The first row.</summary>
    public (string Sql, object?[] Values) Statement => Writes.Statements[First];

    /// <summary>Adds the next row of the same writes, if it can be written with the rows before it.</summary>
    public bool TryAdd()
    {
        (string sql, object?[] values) = Writes.Statements[First + Count];
        if (isAlone || sql != Statement.Sql) return false;
        if (insert is null)
        {
            insert = BatchedInsert.Of(Statement.Sql);
            types = new Type?[insert?.Places.Length ?? 0];
            isAlone = insert is null || !Fits(Statement.Values);
            if (isAlone) return false;
        }
        if (!Fits(values)) return false;
        Count++;
        return true;
    }

    public NpgsqlBatchCommand ToCommand()
    {
        if (Count == 1) return Single(Statement);
        bool[] isNull = Array.ConvertAll(types, static type => type is null);
        var command = new NpgsqlBatchCommand(insert!.ForMany(isNull));
        if (Array.TrueForAll(isNull, static column => column)) command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = Count });
        for (int i = 0; i < types.Length; i++)
            if (types[i] is { } type) command.Parameters.Add(Column(type, insert.Places[i] - 1));
        return command;
    }

    public static NpgsqlBatchCommand Single((string Sql, object?[] Values) statement)
    {
        var command = new NpgsqlBatchCommand(statement.Sql);
        foreach (object? value in statement.Values) command.Parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value });
        return command;
    }

    private bool Fits(object?[] values)
    {
        if (values.Length < insert!.Places[^1]) return false;        // the server says what is missing
        for (int i = 0; i < types.Length; i++)
            if (TypeOf(values[insert.Places[i] - 1]) is { } type && (type == typeof(Array) || (types[i] is { } known && known != type)))
                return false;
        for (int i = 0; i < types.Length; i++) types[i] ??= TypeOf(values[insert.Places[i] - 1]);
        return values.Length == Statement.Values.Length;
    }

    // unnest would spread arrays, too.
    private static Type? TypeOf(object? value) => value switch
    {
        null => null,
        byte[] => typeof(byte[]),
        Array => typeof(Array),
        DateTime { Kind: DateTimeKind.Utc } or DateTimeOffset => typeof(DateTimeOffset),
        _ => value.GetType(),
    };

    private NpgsqlParameter Column(Type type, int place)
    {
        if (type == typeof(DateTimeOffset)) return Of(place, NpgsqlDbType.TimestampTz, static value
            => value is DateTime time ? time : ((DateTimeOffset)value).UtcDateTime);
        if (type == typeof(DateTime)) return Of(place, NpgsqlDbType.Timestamp, static value => (DateTime)value);
        if (type == typeof(string)) return OfReferences<string>(place, NpgsqlDbType.Text);
        if (type == typeof(byte[])) return OfReferences<byte[]>(place, NpgsqlDbType.Bytea);
        if (type == typeof(bool)) return Of(place, NpgsqlDbType.Boolean, static value => (bool)value);
        if (type == typeof(short)) return Of(place, NpgsqlDbType.Smallint, static value => (short)value);
        if (type == typeof(int)) return Of(place, NpgsqlDbType.Integer, static value => (int)value);
        if (type == typeof(long)) return Of(place, NpgsqlDbType.Bigint, static value => (long)value);
        if (type == typeof(float)) return Of(place, NpgsqlDbType.Real, static value => (float)value);
        if (type == typeof(double)) return Of(place, NpgsqlDbType.Double, static value => (double)value);
        if (type == typeof(decimal)) return Of(place, NpgsqlDbType.Numeric, static value => (decimal)value);
        if (type == typeof(Guid)) return Of(place, NpgsqlDbType.Uuid, static value => (Guid)value);
        if (type == typeof(DateOnly)) return Of(place, NpgsqlDbType.Date, static value => (DateOnly)value);
        if (type == typeof(TimeOnly)) return Of(place, NpgsqlDbType.Time, static value => (TimeOnly)value);
        if (type == typeof(TimeSpan)) return Of(place, NpgsqlDbType.Interval, static value => (TimeSpan)value);
        throw new InvalidOperationException($"Values of type {TypeNames.Of(type)} passed the checks of a row: a defect.");
    }

    private NpgsqlParameter<T?[]> Of<T>(int place, NpgsqlDbType type, Func<object, T> convert) where T : struct
    {
        var column = new T?[Count];
        for (int i = 0; i < Count; i++) column[i] = Writes.Statements[First + i].Values[place] is { } value ? convert(value) : null;
        return new NpgsqlParameter<T?[]> { TypedValue = column, NpgsqlDbType = NpgsqlDbType.Array | type };
    }

    private NpgsqlParameter<T?[]> OfReferences<T>(int place, NpgsqlDbType type) where T : class
    {
        var column = new T?[Count];
        for (int i = 0; i < Count; i++) column[i] = (T?)Writes.Statements[First + i].Values[place];
        return new NpgsqlParameter<T?[]> { TypedValue = column, NpgsqlDbType = NpgsqlDbType.Array | type };
    }
}
